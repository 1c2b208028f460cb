// The model and its version. Without a choice the newest version answers, whichever that is at the time.

import type { Asked } from './card.js';
import { byId, element, fill } from './element.js';
import { listModels, modelFacts, type ModelChoice, type ModelFacts } from './protocol.js';
import { shortened } from './wording.js';

export interface Chooser {
  /**
   * Asks the server what it has; keeps the choice where that is still there.
   *
   * @param isNew whether what was chosen is asked anew, too
   */
  load(isNew?: boolean): Promise<void>;
  /** Asks for the facts of the chosen model again: a version came or went. */
  refresh(): Promise<void>;
  readonly asked: Asked | undefined;
  /** Whether the server has any model. */
  readonly isEmpty: boolean;
}

/**
 * @param onChange after another model or version was chosen, or facts changed
 * @param onError what the server refused
 */
export function chooser(
  onChange: (asked: Asked | undefined, isNew: boolean) => void,
  onError: (error: unknown) => void,
): Chooser {
  const model = byId('model', 'select');
  const version = byId('version', 'select');
  const versionField = byId('version-field', 'div');
  let names: readonly string[] = [];
  let asked: Asked | undefined;
  let turn = 0;

  const choose = async (choice: ModelChoice, isNew = true): Promise<void> => {
    const mine = ++turn;
    const facts = await modelFacts(choice);
    // a later choice may have been quicker
    if (mine !== turn) return;
    asked = { choice, facts };
    drawVersions(choice, facts);
    onChange(asked, isNew);
  };

  const drawVersions = ({ version: chosen }: ModelChoice, { versions, parameters }: ModelFacts): void => {
    const newest = versions.at(-1) ?? parameters.version ?? '';
    fill(
      version,
      element('option', { value: '' }, `newest (${shortened(newest, 12)})`),
      ...[...versions].reverse().map(one => element('option', { value: one }, shortened(one, 12))),
    );
    version.value = chosen !== undefined && versions.includes(chosen) ? chosen : '';
    versionField.hidden = versions.length < 2 && chosen === undefined;
  };

  const again = (choice: ModelChoice) => choose(choice).catch(onError);
  model.addEventListener('change', () => void again({ name: model.value }));
  version.addEventListener('change', () => {
    const chosen = version.value;
    void again(chosen === '' ? { name: model.value } : { name: model.value, version: chosen });
  });

  return {
    get asked() {
      return asked;
    },
    get isEmpty() {
      return names.length === 0;
    },
    async load(isNew = true) {
      names = await listModels();
      fill(model, ...names.map(name => element('option', { value: name }, shortened(name, 60))));
      model.disabled = names.length === 0;
      byId('model-field', 'div').hidden = names.length === 0;
      const held = asked?.choice;
      if (held && names.includes(held.name)) {
        model.value = held.name;
        if (isNew) await choose(held);
      } else if (names[0] !== undefined) await choose({ name: names[0] });
      else {
        asked = undefined;
        versionField.hidden = true;
        onChange(undefined, true);
      }
    },
    async refresh() {
      if (asked) await choose(asked.choice, false);
    },
  };
}
