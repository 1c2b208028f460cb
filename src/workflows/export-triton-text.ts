// Protobuf's text format, as much of it as a configuration needs:
// field: scalar | field { message } | field [ … ] (https://protobuf.dev/reference/protobuf/textformat-spec/).

/** A word that stands without quotes: the value of an enumeration. */
export interface Word {
  readonly word: string;
}
export const word = (text: string): Word => ({ word: text });

type Scalar = string | number | boolean | Word;
/** Fields in the order in which they are written. */
export interface TextMessage {
  readonly [field: string]: Scalar | TextMessage | readonly (Scalar | TextMessage)[];
}

/** A message as text, a field a line. An empty list is no line. */
export function textOf(message: TextMessage, indent = ''): string {
  let text = '';
  for (const [field, value] of Object.entries(message)) {
    const all = isList(value) ? value : [value];
    const scalars = all.filter(isScalar);
    if (isList(value) && all.length > 0 && scalars.length === all.length)
      text += `${indent}${field}: [${scalars.map(scalarText).join(', ')}]\n`;
    else
      for (const one of all)
        text += isScalar(one)
          ? `${indent}${field}: ${scalarText(one)}\n`
          : `${indent}${field} {\n${textOf(one, `${indent}  `)}${indent}}\n`;
  }
  return text;
}

const isList = (value: TextMessage[string]): value is readonly (Scalar | TextMessage)[] => Array.isArray(value);
const isScalar = (value: Scalar | TextMessage): value is Scalar =>
  typeof value !== 'object' || ('word' in value && typeof value.word === 'string');

function scalarText(value: Scalar): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' ? value.word : String(value);
}

const named = new Map([['\n', '\\n'], ['\r', '\\r'], ['\t', '\\t'], ['"', '\\"'], ['\\', '\\\\']]); // prettier-ignore

/** A string literal: what is not printable ASCII is the octal escapes of its UTF-8 bytes, which every reader knows. */
function quoted(text: string): string {
  let inside = '';
  for (const byte of new TextEncoder().encode(text)) {
    const letter = String.fromCharCode(byte);
    inside += named.get(letter) ?? (byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : letter);
  }
  return `"${inside}"`;
}
