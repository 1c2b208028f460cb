// multipart/form-data: parts named `image` are pictures, with a file name or without; other parts are short fields.

import type { FastifyRequest } from 'fastify';
import type { FastifyMultipartOptions } from '@fastify/multipart';
import { imageErrors } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';

/** Fields beside pictures: `top`, `members`, …. */
const mostFields = 16;

/** How @fastify/multipart is registered: every part named `image` is bytes. */
export const multipartOptions = (limits: Limits): FastifyMultipartOptions => ({
  isPartAFile: (name?: string) => name === 'image',
  throwFileSizeLimit: false,
  limits: {
    fileSize: limits.picture,
    files: limits.pictures,
    fields: mostFields,
    parts: limits.pictures + mostFields,
    fieldSize: limits.parameter,
    fieldNameSize: 100,
    headerPairs: 32,
  },
});

/** @throws BAD_REQUEST for a broken form; TOO_LARGE, IMAGE_TOO_LARGE, UNSUPPORTED_MEDIA */
export async function readForm(
  request: FastifyRequest,
  limits: Limits,
): Promise<{ pictures: Uint8Array[]; fields: Map<string, unknown> }> {
  // the form is read from the connection itself: nothing unpacks it
  if (request.headers['content-encoding'] !== undefined)
    throw errors.UNSUPPORTED_MEDIA({ reason: 'a multipart body must not be packed' });
  const pictures: Uint8Array[] = [];
  const fields = new Map<string, unknown>();
  let bytes = 0;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        if (part.valueTruncated) throw errors.TOO_LARGE({ reason: `field ${part.fieldname} is too long` });
        fields.set(part.fieldname, part.value);
        continue;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of part.file as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > limits.body) throw errors.TOO_LARGE({ reason: `the body is larger than ${limits.body} bytes` });
        chunks.push(chunk);
      }
      if (part.file.truncated)
        throw imageErrors.TOO_LARGE({
          found: `more than ${limits.picture} bytes (image ${pictures.length})`,
          limit: `${limits.picture} bytes`,
        });
      pictures.push(Buffer.concat(chunks));
    }
  } catch (cause) {
    throw refusal(cause);
  }
  return { pictures, fields };
}

const tooMany = new Map([
  ['FST_PARTS_LIMIT', 'parts'],
  ['FST_FILES_LIMIT', 'pictures'],
  ['FST_FIELDS_LIMIT', 'fields'],
]);

function refusal(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const what = tooMany.get(code);
  if (what !== undefined) return errors.TOO_LARGE({ reason: `the form has too many ${what}` }, cause);
  if (code.startsWith('FST_') || (cause instanceof Error && cause.name === 'Error'))
    return errors.BAD_REQUEST({ reason: 'the multipart body is broken' }, cause);
  return cause;
}
