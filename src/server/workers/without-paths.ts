// What onnxruntime says when a run fails, without paths of the host or of the machine it was built on. Names of nodes look
// like paths, too; it puts Name: before them, and they stay.

const path =
  /(?<![\w.'])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:'"]+[\\/])+[^\s:'"]*|(?<!Name:')(?<=')(?:[A-Za-z]:)?[\\/](?:[^\\/'"]+[\\/])+[^'"]*/g;
/** Longer than this helps nobody. */
const longest = 300;

/** A text in which every path of two names or more is an ellipsis. */
export const withoutPaths = (text: string): string => text.replace(path, '…').slice(0, longest);
