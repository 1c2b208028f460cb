import { defineErrors } from '../base/index.js';

/** What this room refuses. */
export const errors = defineErrors('ENSEMBLE', {});
