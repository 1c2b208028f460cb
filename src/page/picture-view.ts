// The picture of a card, and the heat over it: asked for when it is wanted, drawn again as strength and label change.

import { failureOf } from './advice.js';
import { cropOf } from './crop.js';
import { element, fill } from './element.js';
import { heatLayer, heatWords } from './heat.js';
import { explain, type HeatAnswer, type ModelChoice, type ModelFacts, type Prediction } from './protocol.js';
import { percent, shortened, visible } from './wording.js';

/** Longest side of the layer, in its own pixels: heat is smooth. */
const layerSide = 480;

/** Labels that heat is offered for. */
const mostLabels = 10;

/** Whether new cards open with heat, and how strong it is: as it was last set. */
const wish = { isOn: false, strength: 0.7 };

let made = 0;

export interface PictureView {
  readonly element: HTMLElement;
  /** Offers heat for an answer; without one takes it away. */
  show(answered?: { readonly choice: ModelChoice; readonly facts: ModelFacts; readonly prediction: Prediction }): void;
  /** Frees the picture. */
  close(): void;
}

/** @param name as it is shown and spoken */
export function pictureView(picture: Blob, name: string): PictureView {
  const url = URL.createObjectURL(picture);
  const image = element('img', { src: url, alt: shortened(name, 120), decoding: 'async' });
  const canvas = element('canvas', { class: 'heat', role: 'img', hidden: true });
  const frame = element('div', { class: 'frame' }, image, canvas);
  image.addEventListener('error', () => {
    const blank = element('p', { class: 'blank' }, 'This browser cannot show the picture.');
    image.replaceWith(blank);
  });
  const controls = element('div', { class: 'heat-controls' });
  const figure = element('figure', { class: 'picture' }, frame, controls);
  let asked = new AbortController();

  return {
    element: figure,
    show(answered) {
      asked.abort();
      asked = new AbortController();
      show(canvas, false);
      fill(controls);
      if (!answered || answered.facts.parameters.explains !== true) return;
      heatControls(picture, canvas, controls, answered, asked.signal);
    },
    close() {
      asked.abort();
      URL.revokeObjectURL(url);
    },
  };
}

function heatControls(
  picture: Blob,
  canvas: HTMLCanvasElement,
  controls: HTMLElement,
  { choice, facts, prediction }: NonNullable<Parameters<PictureView['show']>[0]>,
  signal: AbortSignal,
): void {
  const held = new Map<number, HeatAnswer>();
  const id = `heat-${++made}`;
  const offered = prediction.labels.slice(0, mostLabels);
  let index = offered[0]?.index ?? 0;

  const toggle = element('input', { type: 'checkbox', role: 'switch', id, class: 'switch', change: () => turn(toggle.checked) }); // prettier-ignore
  const options = offered.map(({ label, index: value, score }) =>
    element('option', { value, dir: 'auto' }, `${shortened(label, 40)} · ${percent(score)}`),
  );
  const select = element('select', { id: `${id}-label`, change: () => ((index = Number(select.value)), void draw()) }, ...options); // prettier-ignore
  const strength = element('input', {
    type: 'range',
    id: `${id}-strength`,
    min: 10,
    max: 100,
    value: Math.round(wish.strength * 100),
    input: () => ((wish.strength = Number(strength.value) / 100), void draw()),
  });
  const said = element('p', { class: 'soft small', 'aria-live': 'polite' });
  const settings = element(
    'div',
    { class: 'heat-settings', hidden: true },
    element('label', { for: select.id }, 'For'),
    select,
    element('label', { for: strength.id }, 'Strength'),
    strength,
    element('p', { class: 'legend' }, element('span', {}, 'against'), element('span', { class: 'scale', 'aria-hidden': 'true' }), element('span', {}, 'for')), // prettier-ignore
    said,
  );
  fill(controls, element('div', { class: 'switch-row' }, toggle, element('label', { for: id }, 'Heat map')), settings);

  const turn = (isOn: boolean): void => {
    wish.isOn = isOn;
    settings.hidden = !isOn;
    if (isOn) void draw();
    else show(canvas, false);
  };

  const draw = async (): Promise<void> => {
    const wanted = index;
    try {
      let heat = held.get(wanted);
      if (!heat) {
        said.textContent = 'Asking where it is seen…';
        const label = wanted === offered[0]?.index ? undefined : offered.find(one => one.index === wanted)?.label;
        heat = await explain(choice, picture, label, signal);
        held.set(wanted, heat);
      }
      // somebody may have turned it off, or chosen another label
      if (signal.aborted || wanted !== index || !toggle.checked) return;
      paint(canvas, heat, prediction, facts);
      const words = heatWords(heat);
      canvas.setAttribute('aria-label', `Heat map for ${shortened(heat.label, 60)}: ${words}`);
      said.textContent = `${words.charAt(0).toUpperCase()}${words.slice(1)}${isCropped(prediction, facts) ? '; dimmed is what it does not see' : ''}.`;
    } catch (error) {
      if (signal.aborted) return;
      show(canvas, false);
      const { message, code, advice } = failureOf(error);
      said.textContent = `${visible(message)} (${code}) ${advice}`;
    }
  };

  if (wish.isOn) {
    toggle.checked = true;
    turn(true);
  }
}

function paint(canvas: HTMLCanvasElement, heat: HeatAnswer, { width, height }: Prediction, facts: ModelFacts): void {
  const scale = layerSide / Math.max(width, height);
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const box = boxOf(width, height, facts);
  const prepared = facts.parameters.preprocessing ?? heat.picture;
  const shares = { x: box.x / width, y: box.y / height, width: box.width / width, height: box.height / height };
  const pixels = heatLayer(heat, prepared, canvas, shares, wish.strength);
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
  show(canvas, true);
}

/** Under heat the picture is grey, so that colours are those of the heat. */
function show(canvas: HTMLCanvasElement, isShown: boolean): void {
  canvas.hidden = !isShown;
  canvas.parentElement!.dataset['heat'] = isShown ? 'on' : 'off';
}

/** All of the picture where the recipe is not told in full. */
function boxOf(width: number, height: number, { parameters: { preprocessing } }: ModelFacts) {
  return (preprocessing && cropOf(width, height, preprocessing)) ?? { x: 0, y: 0, width, height };
}

function isCropped({ width, height }: Prediction, facts: ModelFacts): boolean {
  const box = boxOf(width, height, facts);
  return box.width * box.height < 0.98 * width * height;
}
