// The webcam: a picture is taken when somebody says so. The stream goes to a <video> as it is, and ends with the panel.

import type { GivenPicture } from './card.js';
import { byId } from './element.js';

/** @param onPicture what was taken */
export function camera(onPicture: (picture: GivenPicture) => void): void {
  const open = byId('camera-open', 'button');
  const panel = byId('camera', 'div');
  const video = byId('camera-video', 'video');
  const take = byId('camera-take', 'button');
  const close = byId('camera-close', 'button');
  const said = byId('camera-said', 'p');
  let stream: MediaStream | undefined;
  let taken = 0;

  // browsers give the camera to secure pages only: https, or this machine itself
  if (!('mediaDevices' in navigator)) return;
  open.hidden = false;

  const stop = (): void => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    video.srcObject = null;
  };

  open.addEventListener('click', () => void start());
  const start = async (): Promise<void> => {
    if (!panel.hidden) return shut();
    panel.hidden = false;
    open.setAttribute('aria-expanded', 'true');
    take.disabled = true;
    said.textContent = 'Waiting for the camera…';
    try {
      const given = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } },
      });
      if (panel.hidden) return given.getTracks().forEach(track => track.stop());
      stream = given;
      video.srcObject = given;
      await video.play();
      said.textContent = '';
      take.disabled = false;
      take.focus();
    } catch (error) {
      stop();
      said.textContent =
        error instanceof DOMException && error.name === 'NotAllowedError'
          ? 'The browser was not allowed to use the camera. Allow it in the address bar, then try again.'
          : error instanceof DOMException && error.name === 'NotFoundError'
            ? 'No camera was found.'
            : 'The camera could not be opened. Another program may be using it.';
    }
  };

  const shut = (): void => {
    stop();
    panel.hidden = true;
    open.setAttribute('aria-expanded', 'false');
    open.focus();
  };
  close.addEventListener('click', shut);
  panel.addEventListener('keydown', event => {
    if (event.key === 'Escape') shut();
  });

  take.addEventListener('click', () => {
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    canvas.toBlob(
      blob => {
        if (blob) onPicture({ blob, name: `camera ${++taken}.jpg` });
      },
      'image/jpeg',
      0.92,
    );
  });
}
