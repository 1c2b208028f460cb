// Samples that are not compared with PyTorch, as `Operator/sample` or as `Operator` for all of them, and why. The laws
// hold them to central differences all the same.

const coordinates = 'PyTorch interpolates by its own coordinates only';
const rounding = 'PyTorch takes the nearest by its own coordinates and rounding only';
const pads = 'the peer has no ConvTranspose with auto_pad or output_shape';

export const withoutReference: ReadonlyMap<string, string> = new Map([
  ...[3, 4, 6, 7, 8].map(i => [`ConvTranspose/${i}`, pads] as const),
  ['Col2Im', 'PyTorch folds over two axes with equal pads only'],
  ['MaxUnpool', 'PyTorch counts indices within a plane, ONNX within the whole tensor'],
  ['CenterCropPad', 'PyTorch has no such operator'],
  ['Pad/13', 'onnxruntime wraps what negative pads leave, the peer the whole'],
  ...[1, 3, 5, 7, 10, 19, 20, 21, 32, 43, 52, 53, 54, 55, 56, 57, 58, 59, 60, 62, 64, 65].map(
    i => [`Resize/${i}`, coordinates] as const,
  ),
  ...[
    4, 6, 8, 12, 14, 15, 16, 17, 18, 23, 25, 26, 27, 28, 29, 30, 33, 34, 35, 36, 37, 38, 39, 40, 44, 45, 46, 47, 50, 51,
  ].map(i => [`Resize/${i}`, rounding] as const),
]);
