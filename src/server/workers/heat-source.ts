// Heat over a picture: the network that gives it is opened when it is first asked for. Of an ensemble the maps of all members,
// each as much as the member has to say, at the places of the finest one.

import { GraftError, loadExplainer, type Explainer, type Runtime, type Servable } from '../../serving.js';
import { errors } from '../errors.js';
import type { Heat } from '../served.js';

/** @param pixels the prepared picture @param label its place among the labels */
export type HeatSource = (pixels: Uint8Array, label: number) => Promise<Heat>;

/** @throws BAD_REQUEST where the network knows no places, or nothing that has a gradient lies behind them */
export function heatOf({ manifest, model, sha256 }: Servable, runtime: Runtime): HeatSource {
  let explainer: Promise<Explainer> | undefined;
  return async (pixels, label) => {
    if (!manifest) throw errors.BAD_REQUEST({ reason: 'this model takes no pictures: it has nothing to explain' });
    try {
      explainer ??= loadExplainer().then(({ openExplainer }) => openExplainer({ manifest, model, sha256, folder: 'the bundle' }, runtime)); // prettier-ignore
      const heats = await (await explainer).explain(pixels, label);
      return joined(heats.flatMap(({ share, maps }) => maps.map(map => ({ ...map, share }))));
    } catch (error) {
      if (!(error instanceof GraftError) || error.code === 'BAD_REQUEST') throw error;
      throw errors.BAD_REQUEST({ reason: `this model cannot be explained: ${error.message}` }, error);
    }
  };
}

interface Shared extends Heat {
  readonly share: number;
}

function joined(maps: readonly (Omit<Shared, 'values'> & { readonly values: ArrayLike<number> })[]): Heat {
  const finest = maps.reduce((best, map) => (map.height * map.width > best.height * best.width ? map : best));
  const { height, width, rows, columns } = finest;
  const sum = new Float32Array(height * width);
  for (const map of maps) {
    const peak = Math.max(...Array.from(map.values, Math.abs)) || 1;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const v = at(map, rows.start + y * rows.step, columns.start + x * columns.step);
        sum[y * width + x]! += (map.share * v) / peak;
      }
  }
  const most = sum.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0) || 1;
  return { height, width, rows, columns, values: sum.map(value => value / most) };
}

type Grid = Omit<Heat, 'values'> & { readonly values: ArrayLike<number> };

/** Between four cells, linearly; beyond the edge, the cell at the edge. */
function at({ values, height, width, rows, columns }: Grid, row: number, column: number): number {
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const y = within((row - rows.start) / rows.step, height - 1);
  const x = within((column - columns.start) / columns.step, width - 1);
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  const [fy, fx] = [y - top, x - left];
  const cell = (r: number, c: number) => values[r * width + c]!;
  const above = cell(top, left) * (1 - fx) + cell(top, right) * fx;
  const below = cell(down, left) * (1 - fx) + cell(down, right) * fx;
  return above * (1 - fy) + below * fy;
}
