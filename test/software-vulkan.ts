// A Vulkan device in software (SwiftShader), for networks on WebGPU where there is no graphics card. It comes with
// Chromium; .ci/run fetches it and names its folder in GRAFT_SWIFTSHADER. Slow, and right to the last bits.

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];

/** The folder that .ci/run names: it must be there. */
const named = process.env['GRAFT_SWIFTSHADER'];

/**
 * The environment in which a process finds the device, or undefined where there is none. It is read when the process
 * starts: what is set later comes too late.
 */
export function softwareVulkan(): NodeJS.ProcessEnv | undefined {
  const folder = named ?? folders.find(path => existsSync(join(path, 'vk_swiftshader_icd.json')));
  if (!folder) return undefined;
  const driver = join(folder, 'vk_swiftshader_icd.json');
  const { LD_LIBRARY_PATH, XDG_RUNTIME_DIR } = process.env;
  return {
    ...process.env,
    VK_ICD_FILENAMES: driver,
    VK_DRIVER_FILES: driver,
    // libvulkan.so.1, the loader, lies beside the driver
    LD_LIBRARY_PATH: LD_LIBRARY_PATH ? `${folder}:${LD_LIBRARY_PATH}` : folder,
    XDG_RUNTIME_DIR: XDG_RUNTIME_DIR ?? tmpdir(),
  };
}
