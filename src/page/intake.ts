// The ways in for pictures: chosen, dropped anywhere on the page, pasted.

import type { GivenPicture } from './card.js';
import { byId } from './element.js';

/** @param onPictures what was given, in its order */
export function intake(onPictures: (pictures: readonly GivenPicture[]) => void): void {
  const choose = byId('choose', 'button');
  const field = byId('files', 'input');
  choose.addEventListener('click', () => field.click());
  field.addEventListener('change', () => {
    give(Array.from(field.files ?? [], file => ({ blob: file, name: file.name })));
    // so that the same file can be chosen again
    field.value = '';
  });

  const give = (pictures: readonly GivenPicture[]): void => {
    if (pictures.length > 0) onPictures(pictures);
  };

  let inside = 0;
  const over = (isOver: boolean): void => void document.body.classList.toggle('dragging', isOver);
  const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragenter', event => {
    if (!holdsFiles(event)) return;
    inside++;
    over(true);
  });
  document.addEventListener('dragleave', event => {
    if (!holdsFiles(event)) return;
    inside = Math.max(0, inside - 1);
    if (inside === 0) over(false);
  });
  document.addEventListener('dragover', event => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = 'copy';
  });
  document.addEventListener('drop', event => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    inside = 0;
    over(false);
    give(dropped(event.dataTransfer!));
  });

  document.addEventListener('paste', event => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    give(files.map(file => ({ blob: file, name: file.name === '' ? 'pasted picture' : file.name })));
  });
}

function dropped(transfer: DataTransfer): GivenPicture[] {
  const items = [...transfer.items].filter(({ kind }) => kind === 'file');
  return items.flatMap(item => {
    const file = item.getAsFile();
    if (!file) return [];
    return [{ blob: file, name: file.name, isFolder: item.webkitGetAsEntry()?.isDirectory ?? false }];
  });
}
