// The pictures of a request, three ways: the body itself, parts of a form, base64 in JSON. Their bytes are only collected
// here; what they are is told by content, by whoever decodes them. Nothing is ever fetched.

import type { FastifyRequest } from 'fastify';
import { GraftError, imageErrors } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import { parseJson } from '../protocol/index.js';
import { bodyOf, mediaOf } from './body.js';
import type { RouteContext } from './context.js';
import { readForm } from './multipart.js';

/** What came: pictures in order, and fields beside them, as text or as JSON gave them. */
export interface SentPictures {
  readonly pictures: readonly Uint8Array[];
  readonly fields: ReadonlyMap<string, unknown>;
}

/**
 * Those refused here never come to a decoder, which counts what it refuses.
 *
 * @throws BAD_REQUEST, BAD_JSON, TOO_LARGE, IMAGE_TOO_LARGE, UNSUPPORTED_MEDIA
 */
export async function readPictures(
  request: FastifyRequest,
  { limits, metrics }: Pick<RouteContext, 'limits' | 'metrics'>,
): Promise<SentPictures> {
  try {
    return await readSent(request, limits);
  } catch (error) {
    if (error instanceof GraftError && error.code.startsWith('IMAGE_')) metrics.pictureRefused(error.code);
    throw error;
  }
}

async function readSent(request: FastifyRequest, limits: Limits): Promise<SentPictures> {
  const media = mediaOf(request);
  const sent =
    media === 'multipart/form-data'
      ? await readForm(request, limits)
      : media === 'application/json'
        ? fromJson(bodyOf(request), limits)
        : fromBody(request, media);
  if (sent.pictures.length === 0) throw errors.BAD_REQUEST({ reason: 'the request holds no picture' });
  if (sent.pictures.length > limits.pictures)
    throw errors.TOO_LARGE({ reason: `${sent.pictures.length} pictures, the limit is ${limits.pictures}` });
  sent.pictures.forEach(({ length }, at) => {
    if (length > limits.picture) throw tooLarge(at, length, limits);
  });
  return sent;
}

/** A picture over the limit, known before it is decoded. */
export const tooLarge = (at: number, bytes: number, { picture }: Limits) =>
  imageErrors.TOO_LARGE({ found: `${bytes} bytes (image ${at})`, limit: `${picture} bytes` });

function fromBody(request: FastifyRequest, media: string): SentPictures {
  if (!/^image\/[a-z0-9.+-]+$/.test(media) && media !== 'application/octet-stream' && media !== '')
    throw errors.UNSUPPORTED_MEDIA({
      reason: `${media} is not taken here; send a picture, multipart/form-data with parts named image, or application/json`,
    });
  const body = bodyOf(request);
  return { pictures: body.length > 0 ? [body] : [], fields: new Map() };
}

function fromJson(body: Uint8Array, limits: Limits): SentPictures {
  const value = parseJson(body, limits);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.BAD_REQUEST({ reason: 'the body must be an object with images' });
  const fields = new Map<string, unknown>(Object.entries(value));
  const images = fields.get('images');
  fields.delete('images');
  if (fields.has('url')) throw noUrl();
  if (!Array.isArray(images)) throw errors.BAD_REQUEST({ reason: 'images must be a list of {"b64": text}' });
  if (images.length > limits.pictures)
    throw errors.TOO_LARGE({ reason: `${images.length} pictures, the limit is ${limits.pictures}` });
  return { pictures: images.map((image, at) => fromBase64(image, at, limits)), fields };
}

const noUrl = () => errors.BAD_REQUEST({ reason: 'pictures are never fetched: send their bytes, not a url' });

function fromBase64(image: unknown, at: number, limits: Limits): Uint8Array {
  if (typeof image !== 'object' || image === null) throw errors.BAD_REQUEST({ reason: `image ${at}: wanted {"b64": text}` }); // prettier-ignore
  if ('url' in image) throw noUrl();
  const text = 'b64' in image ? image.b64 : undefined;
  if (typeof text !== 'string') throw errors.BAD_REQUEST({ reason: `image ${at}: b64 must be text` });
  const bytes = Math.floor((text.length / 4) * 3) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
  if (bytes > limits.picture) throw tooLarge(at, bytes, limits);
  const decoded = Buffer.from(text, 'base64');
  // Node passes over what is no base64; only what comes back the same was
  if (text === '' || decoded.toString('base64') !== text)
    throw errors.BAD_REQUEST({ reason: `image ${at}: b64 is not base64 with its padding` });
  return decoded;
}
