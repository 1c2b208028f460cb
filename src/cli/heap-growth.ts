// How far this process's heap may grow before all of it is looked through. Bodies are bytes outside of the heap that V8 counts
// as its growth: at 100 pictures a second it would mark 25 MB of living objects eight times a second for nothing, since what
// is dead is young and is found by the small collections.

import { setFlagsFromString } from 'node:v8';

/** Percent of the living heap; the heap's own limit stays as it is. */
const growth = 300;

/** For a process that serves and does nothing else: V8's setting holds for all of it. */
export const growHeapFreely = (): void => setFlagsFromString(`--heap-growing-percent=${growth}`);
