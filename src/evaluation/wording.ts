// Figures as people read them, the same on the terminal and in the report.

/** `0.94118` as `94.1%`; what is not all or nothing never reads as 100 % or 0 %. */
export function percent(share: number | null): string {
  if (share === null) return '–';
  if (share === 0 || share === 1) return `${share * 100}%`;
  for (let digits = 1; digits < 4; digits++) {
    const text = (share * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`;
  }
  return share < 0.5 ? '<0.001%' : '>99.999%';
}

/** `0.94118` as `94%`, for words and narrow places. */
export function roughPercent(share: number): string {
  const text = (share * 100).toFixed(0);
  if (text === '100' && share < 1) return '>99%';
  if (text === '0' && share > 0) return '<1%';
  return `${text}%`;
}

/** Three digits behind the point. */
export const decimal = (value: number): string => value.toFixed(3);

/** `12345` as `12,345`. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 picture`, `12 pictures`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : more}`;

/** How many of `count` a share is. */
export const times = (share: number, count: number): number => Math.round(share * count);

/** A difference with its sign, `+0.012` or `−0.012`; a share in points of a hundred: `−1.2 points`. */
export function signed(difference: number, share = false): string {
  const text = share ? (100 * Math.abs(difference)).toFixed(1) : Math.abs(difference).toFixed(3);
  const sign = Number(text) === 0 ? '±' : difference > 0 ? '+' : '−';
  return `${sign}${text}${share ? ' points' : ''}`;
}

const thousands = ['', ' k', ' M', ' G', ' T', ' P'] as const;

/** What one picture costs: `12.3 ms`, `1.24 GFLOP`. */
export function costText(cost: number, unit: 'ms' | 'flops'): string {
  if (unit === 'ms') return `${short(cost)} ms`;
  const rounded = Number(cost.toPrecision(3));
  const step = Math.max(0, Math.min(thousands.length - 1, Math.floor(Math.log10(Math.max(rounded, 1)) / 3)));
  return `${short(rounded / 1000 ** step)}${thousands[step] || ' '}FLOP`;
}

/** Three digits, without zeros at the end: `0.12`, `12.3`, `1230`. */
const short = (value: number): string => String(Number(value >= 1000 ? value.toFixed(0) : value.toPrecision(3)));
