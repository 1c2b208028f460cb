// Side door of pictures for Node: files and sharp.

export { decode, openDecoder, preparePicture, type AllowedFormat, type DecodeOptions } from './decode.js';
