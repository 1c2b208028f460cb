// The sampler of Einsum: products, sums, transposes, `...`, axes of size 1 that broadcast.

import * as op from '../../../../src/operators/index.js';
import type { Sample, Samplers } from './sample.js';

const sum = (equation: string, ...shapes: readonly (readonly number[])[]): Sample => ({
  shapes,
  make: (...values) => op.Einsum(...values, { equation }),
});

export const einsum: Samplers = {
  Einsum: [
    sum('bij,bjk->bik', [2, 3, 4], [2, 4, 5]),
    sum('bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 5, 4]),
    sum('ij,jk', [3, 4], [4, 2]),
    sum('ij->ji', [3, 4]),
    sum('ij->', [3, 4]),
    sum('ij->i', [3, 4]),
    sum('i,j->ij', [3], [4]),
    sum('i,i->', [3], [3]),
    sum('ij,k->i', [3, 4], [2]),
    sum('...ij,jk->...ik', [2, 2, 3, 4], [4, 5]),
    sum('...ij,...jk->...ik', [1, 2, 3, 4], [3, 2, 4, 5]),
    sum('i...j,j...->i...', [2, 3, 4], [4, 3]),
    sum('ij,ij->ij', [3, 4], [1, 4]),
    sum('ij,j->i', [3, 4], [1]),
    sum('ab,bc,cd->ad', [2, 3], [3, 4], [4, 2]),
    sum('nc,nchw->nchw', [2, 3], [2, 3, 2, 2]),
  ],
};
