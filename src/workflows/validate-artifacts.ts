// graft validate: whether training artifacts will train. A folder is looked at as what it says it is: with artifacts.json
// of the plain form, by that; otherwise as what ONNX Runtime's on-device training loads.

import { readdirSync } from 'node:fs';
import type { ArtifactsFindings } from './artifacts-findings.js';
import { ortFolderFindings } from './validate-ort.js';
import { plainFolderFindings } from './validate-plain.js';
import { errors } from './validate-errors.js';

export type { ArtifactsFindings, FileFault } from './artifacts-findings.js';

/** {@link ArtifactsFindings} and where they were found. */
export interface ValidateResult extends ArtifactsFindings {
  readonly folder: string;
}

/**
 * Checks a folder of training artifacts against every rule of its form; what is wrong comes back as a list.
 *
 * @param folder with artifacts.json (plain), or training_model.onnx, eval_model.onnx, optimizer_model.onnx and checkpoint
 * @throws VALIDATE_NO_FOLDER, VALIDATE_NO_ARTIFACTS
 * @example
 * await artifacts('squeezenet1.1.onnx', { out: 'artifacts' });
 * const { faults } = validateArtifacts('artifacts');
 * for (const { file, message } of faults) console.log(`${file}: ${message}`);
 */
export function validateArtifacts(folder: string): ValidateResult {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw errors.NO_FOLDER({ folder, reason: (error as NodeJS.ErrnoException).code ?? String(error) }, error);
  }
  const findings = plainFolderFindings(folder, names) ?? ortFolderFindings(folder, names);
  if (!findings) throw errors.NO_ARTIFACTS({ folder, found: names });
  return { folder, ...findings };
}
