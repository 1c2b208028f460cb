// graft export kserve: an InferenceService (serving.kserve.io/v1beta1) for a bundle, served by graft or by Triton.
// Layout: <out>/{inference-service.yaml, README.md} and, for Triton, repository/<name>/… to be put where --storage-uri says.

import { stringify } from 'yaml';
import { exportErrors as errors } from './export-errors.js';
import { inferenceService, type ServiceFacts } from './export-kserve-service.js';
import {
  folderName,
  labelName,
  openExported,
  preparationText,
  wantNew,
  wholeNumber,
  writeFolders,
  type Exported,
  type ExportOptions,
  type ExportResult,
} from './export-serving.js';
import { tritonFolders } from './export-triton.js';
import { version } from './version.js';

/** Options of {@link exportKserve}. `name` is that of the InferenceService and of the model. */
export interface ExportKserveOptions extends ExportOptions {
  /** What answers. @default 'graft' */
  readonly server?: 'graft' | 'triton';
  /** With `graft`: the image that graft export docker describes, such as `registry.example/ants:1`. */
  readonly image?: string;
  /**
   * Where KServe fetches the model from, such as `s3://models/ants`: the bundle's folder, or with `triton` the repository that
   * is written here. @default with `graft`, the bundle that is in the image
   */
  readonly storageUri?: string;
  /** @default the namespace of whoever applies it */
  readonly namespace?: string;
  /** Fewest pods; 0 lets KServe end the last one where it can. @default 1 */
  readonly minReplicas?: number;
  /** Most pods. @default 3 */
  readonly maxReplicas?: number;
  /** Processors of a pod, asked for and at most. @default '1' */
  readonly cpu?: string;
  /** Memory of a pod, asked for and at most. @default '2Gi' */
  readonly memory?: string;
  /** With `graft`: a Secret with GRAFT_API_KEYS, without which requests need no key. */
  readonly keysSecret?: string;
}

/**
 * Writes the YAML of an InferenceService, and for Triton the repository that it serves.
 *
 * @throws EXPORT_OPTION, EXPORT_FOLDER, EXPORT_BUNDLE, EXPORT_TYPE; SERVE_…, BUNDLE_…, DISK_…
 * @example
 * await exportKserve('run/bundle', { out: 'kserve', image: 'registry.example/ants:1' });
 */
export async function exportKserve(bundle: string, options: ExportKserveOptions): Promise<ExportResult> {
  const { out, force = false } = options;
  const facts = checked(bundle, options);
  const exported = await openExported(bundle);
  const { name, server } = facts;
  const text = `# Written by onnx-graft ${version}: kubectl apply -f inference-service.yaml\n${stringify(
    inferenceService({ ...facts, sha256: exported.sha256 }),
    // readers of Kubernetes take `on`, `no` and 1e3 for what they are not, unless they are quoted
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 },
  )}`;
  const repository = server === 'triton' ? tritonFolders(name, exported, {}) : new Map<string, never>();
  const folders = new Map<string, ReadonlyMap<string, Uint8Array | string>>([
    ...[...repository].map(([folder, files]) => [`repository/${folder}`, files] as const),
    ['', new Map([['README.md', readme(facts, exported)], ['inference-service.yaml', text]])], // prettier-ignore
  ]);
  await wantNew(out, force);
  const files = await writeFolders(out, folders, force);
  return { target: 'kserve', name, folder: out, files };
}

/** @throws EXPORT_OPTION */
function checked(bundle: string, options: ExportKserveOptions): Omit<ServiceFacts, 'sha256'> {
  const { server = 'graft', image, storageUri, namespace, keysSecret, cpu = '1', memory = '2Gi' } = options;
  if (server !== 'graft' && server !== 'triton')
    throw errors.OPTION({ option: '--server', found: String(server), wanted: 'graft or triton' });
  const minReplicas = wholeNumber('--min-replicas', options.minReplicas ?? 1, 0, 10_000);
  const maxReplicas = wholeNumber('--max-replicas', options.maxReplicas ?? Math.max(3, minReplicas), 1, 10_000);
  if (minReplicas > maxReplicas)
    throw errors.OPTION({ option: '--min-replicas', found: String(minReplicas), wanted: `at most ${maxReplicas}` });
  wantForm('--cpu', cpu, /^(?=.*[1-9])([0-9]{1,4}(\.[0-9]{1,3})?|[0-9]{1,7}m)$/, 'processors such as 2, 0.5 or 500m');
  wantForm('--memory', memory, /^[1-9][0-9]{0,14}([kMGT]|[KMGT]i)?$/, 'bytes such as 512Mi or 2Gi');
  if (storageUri !== undefined)
    wantForm('--storage-uri', storageUri, /^(gs|s3|pvc|hdfs|webhdfs|https?|oci|hf):\/\/[!-~]{1,2000}$/, 'an address that KServe fetches from, such as s3://models/ants'); // prettier-ignore
  if (server === 'triton') {
    if (storageUri === undefined)
      throw errors.OPTION({ option: '--storage-uri', found: 'nothing', wanted: 'where the repository will lie' });
    for (const [option, found] of [
      ['--image', image],
      ['--keys-secret', keysSecret],
    ] as const)
      // prettier-ignore
      if (found !== undefined)
        throw errors.OPTION({ option, found, wanted: 'nothing: with --server triton, KServe has its own' });
  } else {
    const form = /^[a-z0-9][a-z0-9._:/-]{0,500}(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/;
    wantForm('--image', image ?? '', form, 'an image that the cluster can pull, such as registry.example/ants:1');
  }
  return {
    name: serviceName(bundle, options.name),
    server,
    minReplicas,
    maxReplicas,
    cpu,
    memory,
    ...(image === undefined ? {} : { image }),
    ...(storageUri === undefined ? {} : { storageUri }),
    ...(namespace === undefined ? {} : { namespace: labelName('--namespace', namespace) }),
    ...(keysSecret === undefined ? {} : { keysSecret: labelName('--keys-secret', keysSecret) }),
  };
}

/** KServe wants a letter first, and puts `-predictor` and the namespace behind it in a name of the DNS. */
function serviceName(path: string, given: string | undefined): string {
  const name = given ?? folderName(path).toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, ''); // prettier-ignore
  if (name.length > 40 || !/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name))
    throw errors.OPTION({
      option: '--name',
      found: given ?? folderName(path),
      wanted: '1 to 40 of a-z 0-9 -, beginning with a letter and ending with a letter or digit',
    });
  return name;
}

/** @throws EXPORT_OPTION */
function wantForm(option: string, found: string, form: RegExp, wanted: string): void {
  if (!form.test(found)) throw errors.OPTION({ option, found: found === '' ? 'nothing' : found, wanted });
}

function readme(facts: Omit<ServiceFacts, 'sha256'>, { manifest, preprocessing }: Exported): string {
  const { name, server, storageUri, image, keysSecret } = facts;
  const fetched =
    server === 'triton'
      ? `Put the folder \`repository/\` at \`${storageUri!}\`, so that \`${name}/config.pbtxt\` lies right below it.`
      : storageUri === undefined
        ? `Build and push the image \`${image!}\`: \`graft export docker BUNDLE --name ${name} --out docker\`, and its README.md.`
        : `Put the bundle's folder at \`${storageUri}\`, so that \`manifest.json\` lies right below it, and push the image
\`${image!}\` (\`graft export docker\`).`;
  const keys =
    keysSecret === undefined
      ? 'Whoever reaches the service may ask: guard it at the gateway, or export again with `--keys-secret NAME`.'
      : `Keys: \`kubectl create secret generic ${keysSecret} --from-literal=GRAFT_API_KEYS=$(openssl rand -hex 32)\`.`;
  return `# ${name}

An InferenceService for KServe of a model of ${manifest.labels.length} labels, written by onnx-graft ${version}.

1. ${fetched}
2. \`kubectl apply -f inference-service.yaml\`, and \`kubectl get inferenceservice ${name}\` until it is ready.
3. Ask it: \`POST /v2/models/${name}/infer\`${server === 'graft' ? `, or a picture to \`/v1/models/${name}/predict\`` : ''}.

${server === 'graft' ? `${keys}\nKnative runs it as it is; where KServe deploys plainly, give the annotation serving.kserve.io/deploymentMode.\n` : 'It asks for the ClusterServingRuntime kserve-tritonserver, which KServe brings.\n'}
## How pictures are prepared for /v2

${preparationText(preprocessing)}`;
}
