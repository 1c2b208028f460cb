// What went wrong, and what to do about it: by the server's code, else by its status.

import { ServerError } from './protocol.js';

const advice: ReadonlyMap<string, string> = new Map([
  ['NO_ANSWER', 'See whether graft serve still runs and the network is up, then try again.'],
  ['NOT_A_PICTURE', 'Choose a JPEG, PNG, WebP or GIF.'],
  ['FOLDER', 'Open the folder and choose the pictures in it.'],
  ['BIG_FILE', 'Save it smaller. A server that was started with a larger limit takes it: send it anyway.'],
  ['IMAGE_TOO_LARGE', 'Save the picture smaller: fewer pixels, or a smaller file.'],
  ['IMAGE_CORRUPT', 'The file is damaged. Open it in a picture program and save it anew.'],
  ['IMAGE_UNSUPPORTED', 'Save it as JPEG, PNG, WebP or GIF.'],
  ['TOO_LARGE', 'Send a smaller picture.'],
  ['UNAUTHENTICATED', 'Enter a key above.'],
  ['FORBIDDEN', 'This key may not do that. Ask whoever runs the server.'],
  ['MODEL_NOT_FOUND', 'It may have been unloaded: choose another model above.'],
  ['VERSION_NOT_FOUND', 'It may have been replaced: choose another version above.'],
  ['MODEL_NOT_READY', 'The model is being loaded. Try again in a moment.'],
  ['QUEUE_FULL', 'The server is busy. Try again in a moment.'],
  ['QUEUE_TIMEOUT', 'The server is busy. Try again in a moment.'],
  ['RATE_LIMITED', 'Too many questions at once. Try again in a moment.'],
  ['DRAINING', 'The server is stopping. Try again when it is back.'],
  ['WORKER_LOST', 'The process that ran the network was lost and is started anew. Try again.'],
  ['MEMBER_FAILED', 'A member of the ensemble failed. Try again.'],
  ['RUN_TIMEOUT', 'The network took too long and was stopped.'],
  ['BAD_REQUEST', 'The model does not do this.'],
]);

/** What stays as it is, however often it is asked. */
const final: ReadonlySet<string> = new Set([
  'NOT_A_PICTURE', 'FOLDER', 'IMAGE_TOO_LARGE', 'IMAGE_CORRUPT', 'IMAGE_UNSUPPORTED', 'TOO_LARGE', 'BAD_REQUEST',
]); // prettier-ignore

/** A failure as the page shows it. */
export interface Failure {
  /** A sentence. */
  readonly message: string;
  readonly code: string;
  readonly advice: string;
  /** Whether the same question may be answered later. */
  readonly canTryAgain: boolean;
  readonly requestId?: string;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof ServerError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message: sentence(message), code: 'PAGE', advice: 'Load the page anew.', canTryAgain: true };
  }
  const { code, message, status, requestId } = error;
  const rest =
    status >= 500 ? 'Whoever runs the server finds the reason in its log, under the request’s number.' : 'Try another.';
  return {
    // there is one picture in a question
    message: sentence(message.replace(/^image 0: /, '')),
    code,
    advice: advice.get(code) ?? rest,
    canTryAgain: !final.has(code),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Servers tell reasons as parts of a sentence. */
const sentence = (text: string): string =>
  `${text.charAt(0).toLocaleUpperCase('en')}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;

/** Safe to ask again by itself. */
export const isBusy = (error: unknown): error is ServerError =>
  error instanceof ServerError && (error.status === 429 || (error.status === 503 && error.code !== 'DRAINING'));
