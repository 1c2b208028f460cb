// graft export: which targets there are, and which options each has.

import { exportDocker, type ExportDockerOptions } from './export-docker.js';
import { exportErrors as errors } from './export-errors.js';
import { exportKserve, type ExportKserveOptions } from './export-kserve.js';
import { exportRay, type ExportRayOptions } from './export-ray.js';
import type { ExportResult } from './export-serving.js';
import { exportTriton, type ExportTritonOptions } from './export-triton.js';

/** Options of each target. */
export interface ExportTargets {
  readonly triton: ExportTritonOptions;
  readonly kserve: ExportKserveOptions;
  readonly docker: ExportDockerOptions;
  readonly ray: ExportRayOptions;
}

/** Names of options, so that none is forgotten. */
type Names<Options> = Readonly<Record<Exclude<keyof Options, 'out' | 'force'>, true>>;
const named: { readonly [T in keyof ExportTargets]: Names<Required<ExportTargets[T]>> } = {
  triton: { name: true, maxBatch: true, preferredBatch: true, queueDelay: true, instances: true, gpu: true },
  kserve: {
    name: true, server: true, image: true, storageUri: true, namespace: true, minReplicas: true, maxReplicas: true,
    cpu: true, memory: true, keysSecret: true,
  },
  docker: { name: true },
  ray: {},
}; // prettier-ignore

const makers: { readonly [T in keyof ExportTargets]: (bundle: string, options: ExportTargets[T]) => Promise<ExportResult> } = {
  triton: exportTriton,
  kserve: exportKserve,
  docker: exportDocker,
  ray: exportRay,
}; // prettier-ignore

/**
 * Writes a bundle for a target that is named; what else is asked for must be an option of it.
 *
 * @throws EXPORT_TARGET, EXPORT_OPTION, and what the target's own function throws
 * @example
 * await exportBundle('triton', 'run/bundle', { out: 'repository', maxBatch: 16 });
 */
export async function exportBundle<T extends keyof ExportTargets>(
  target: T,
  bundle: string,
  options: ExportTargets[T],
): Promise<ExportResult> {
  if (!Object.hasOwn(makers, target)) throw errors.TARGET({ found: target, wanted: Object.keys(makers) });
  for (const [key, value] of Object.entries(options))
    if (key !== 'out' && key !== 'force' && !Object.hasOwn(named[target], key)) {
      const option = `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
      throw errors.OPTION({ option, found: String(value), wanted: `nothing: ${target} has no such option` });
    }
  return makers[target](bundle, options);
}
