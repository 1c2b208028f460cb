// Errors of loading as they may be told to clients: their code and message, files by their names only.

import { basename, dirname, sep } from 'node:path';
import { GraftError, printable, type ErrorKind } from '../../serving.js';
import { errors } from '../errors.js';

/**
 * An error without folders of the host. What the system says of a file becomes MODEL_INVALID; what is a fault of ours
 * becomes INTERNAL, whose text says nothing. The error itself is the cause, for the log.
 *
 * @param path where the model lies
 */
export function toldError(error: unknown, path: string): GraftError {
  if (error instanceof GraftError)
    return new GraftError(error.code, kindOf(error), withoutFolders(error.message, path), {}, error.hint, error);
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
  if (code !== undefined) return errors.MODEL_INVALID({ reason: `its files could not be read: ${code}` }, error);
  return errors.INTERNAL(undefined, error);
}

/** What a file refers to and is not there, or what it holds too much of, are faults of the file, not of the request. */
const kindOf = ({ code, kind }: GraftError): ErrorKind =>
  Object.hasOwn(errors, code) || !ofFile.has(kind) ? kind : 'input';
const ofFile: ReadonlySet<ErrorKind> = new Set(['missing', 'limit', 'disk']);

/** `/models/add/1/model.onnx: …` becomes `model.onnx: …`. */
export function withoutFolders(text: string, path: string): string {
  let told = text;
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder))
    told = told.replaceAll(printable(folder) + sep, '');
  if (path !== dirname(path)) told = told.replaceAll(printable(path), basename(path));
  // other folders, such as that of a file which a link leads to
  return told.replace(/(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'"‹›]+)+[\\/]([^\s\\/:'"‹›]+)/g, '$1');
}

/** As it stands in the index. */
export const reasonOf = ({ code, message }: GraftError): string => `${code}: ${message}`;
