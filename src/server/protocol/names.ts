// Names of models and versions, as they may stand in a path once it is decoded (docs/serving.md). A name that passes is
// no way out of a folder: it holds no separator and does not begin with a dot.

import { errors } from '../errors.js';
import { quoted } from './quoted.js';

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const versionPattern = /^[1-9][0-9]{0,8}$/;

/** The name itself. @throws BAD_NAME */
export function checkName(text: string): string {
  if (namePattern.test(text)) return text;
  throw errors.BAD_NAME({
    reason: `model name ${quoted(text)}: wanted 1 to 128 of A-Z a-z 0-9 . _ -, beginning with a letter, digit or _`,
  });
}

/** The version itself, a number from 1 without leading zeros. @throws BAD_NAME */
export function checkVersion(text: string): string {
  if (versionPattern.test(text)) return text;
  throw errors.BAD_NAME({ reason: `version ${quoted(text)}: wanted a number from 1 to 999999999` });
}
