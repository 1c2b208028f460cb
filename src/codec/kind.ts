// What a file is that is not ONNX, told by its first bytes, so that the message can say it.

const starts = (bytes: Uint8Array, text: string) =>
  text.split('').every((letter, i) => bytes[i] === letter.charCodeAt(0));

/** A sentence about bytes that cannot be an ONNX model, or undefined where they may be one. */
export function looksLike(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'the file is empty';
  if (starts(bytes, 'version https://git-lfs'))
    return 'it is a Git LFS pointer; run git lfs pull to get the file itself';
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'it is gzip-compressed; unpack it first';
  if (starts(bytes, 'PK\u0003\u0004')) return 'it is a zip archive; unpack it first';
  if (bytes.length > 8 && starts(bytes.subarray(4), 'ORTM'))
    return 'it is in ORT format; pass the .onnx it was made from';
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 256)).trimStart();
  if (/^(<!doctype|<html|<\?xml|<head)/i.test(head))
    return 'it looks like a web page, probably an error page that was saved';
  if (/^[[{]\s*["\]{[]/.test(head)) return 'it is JSON';
  if (bytes.subarray(0, 64).every(byte => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13))
    return 'it is plain text';
  if (bytes.subarray(0, 4096).every(byte => byte === 0)) return 'it holds nothing but zeros';
  return undefined;
}
