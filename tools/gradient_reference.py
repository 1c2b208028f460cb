"""Gradients of small graphs from PyTorch in float64, for tools/make-gradient-fixtures.ts.

    python gradient_reference.py PEERS FOLDER

PEERS holds onnx_torch.py, which runs an ONNX file in PyTorch. FOLDER/cases.json lists the cases: a model, its inputs by
name (shape, numbers) and the gradient of the scalar by each output. Writes FOLDER/results.json: for each case the
gradients by its inputs, or why there are none. What onnx_torch.py does not know, or knows without some attribute, is
added below with PyTorch's own functions.
"""
import json, os, sys
import torch
import torch.nn.functional as F

sys.path.insert(0, sys.argv[1])
import onnx_torch  # noqa: E402
from onnx_torch import OPERATORS, Network, operator  # noqa: E402

for name in ("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"):
    OPERATORS[name] = lambda a, x, f=getattr(torch, name.lower()): f(x)
OPERATORS["ThresholdedRelu"] = lambda a, x: F.threshold(x, a.get("alpha", 1.0), 0.0)
OPERATORS["Selu"] = lambda a, x: a.get("gamma", 1.0507009873554805) * F.elu(x, a.get("alpha", 1.6732632423543772))
OPERATORS["CastLike"] = lambda a, x, like: x.to(like.dtype)
OPERATORS["LpNormalization"] = lambda a, x: F.normalize(x, a.get("p", 2), a.get("axis", -1))

@operator("Shrink")
def shrink(a, x):
    bound, bias = a.get("lambd", 0.5), a.get("bias", 0.0)
    return torch.where(x < -bound, x + bias, torch.where(x > bound, x - bias, torch.zeros_like(x)))

@operator("MeanVarianceNormalization")
def mean_variance_normalization(a, x):
    axes = a.get("axes", [0, 2, 3])
    return (x - x.mean(axes, keepdim=True)) / (x.std(axes, correction=0, keepdim=True) + 1e-9)

def product(x, axes, keep):
    for axis in axes:
        x = x.prod(axis, keepdim=True)
    return x if keep else x.squeeze(tuple(axes))
OPERATORS["ReduceProd"] = onnx_torch.reduction(product)
OPERATORS["ReduceLogSum"] = onnx_torch.reduction(lambda x, d, k: x.sum(d, keepdim=k).log())
OPERATORS["ReduceL2"] = onnx_torch.reduction(lambda x, d, k: torch.linalg.vector_norm(x, 2, d, k))

def reducing(known):
    """Where no axes are reduced, each element is still taken by itself, as onnxruntime does: |x| for ReduceL1."""
    def run(a, x, axes=None):
        is_alone = a.get("noop_with_empty_axes", 0) and (axes is None or axes.numel() == 0)
        return known({"keepdims": 0}, x.unsqueeze(-1), torch.tensor([-1])) if is_alone else known(a, x, axes)
    return run
for name in [name for name in OPERATORS if name.startswith("Reduce")]:
    OPERATORS[name] = reducing(OPERATORS[name])

@operator("LayerNormalization")
def layer_normalization(a, x, scale, bias=None):
    axis, epsilon = a.get("axis", -1) % x.dim(), a.get("epsilon", 1e-5)
    y = F.layer_norm(x, x.shape[axis:], scale, bias, epsilon)
    axes = list(range(axis, x.dim()))
    return y, x.mean(axes, keepdim=True), (x.var(axes, correction=0, keepdim=True) + epsilon).rsqrt()

@operator("SkipLayerNormalization")
def skip_layer_normalization(a, x, skip, gamma, beta=None, bias=None):
    total = x + skip if bias is None else x + skip + bias
    return F.layer_norm(total, total.shape[-1:], gamma, beta, a.get("epsilon", 1e-12)), None, None, total

@operator("SimplifiedLayerNormalization")
def simplified_layer_normalization(a, x, scale):
    axis = a.get("axis", -1) % x.dim()
    return F.rms_norm(x, x.shape[axis:], scale, a.get("epsilon", 1e-5))

@operator("SkipSimplifiedLayerNormalization")
def skip_simplified_layer_normalization(a, x, skip, gamma, bias=None):
    total = x + skip if bias is None else x + skip + bias
    return F.rms_norm(total, total.shape[-1:], gamma, a.get("epsilon", 1e-12)), None, None, total

OPERATORS["BiasGelu"] = lambda a, x, bias: F.gelu(x + bias)
OPERATORS["FastGelu"] = lambda a, x, bias=None: F.gelu(x if bias is None else x + bias, approximate="tanh")
OPERATORS["QuickGelu"] = lambda a, x: x * torch.sigmoid(a.get("alpha", 1.702) * x)

def activation(a, parameters, x):
    name = a.get("activation", "")
    return {"": lambda: x, "Relu": lambda: F.relu(x), "Sigmoid": lambda: torch.sigmoid(x), "Tanh": lambda: torch.tanh(x),
            "LeakyRelu": lambda: F.leaky_relu(x, parameters[0]), "Clip": lambda: x.clamp(*parameters)}[name]()

@operator("FusedConv")
def fused_conv(a, x, w, b=None, z=None):
    y = OPERATORS["Conv"](a, x, w, b)
    return activation(a, a.get("activation_params", []), y if z is None else y + z)

@operator("FusedGemm")
def fused_gemm(a, x, w, c=None):
    return activation(a, [a.get("activation_alpha", 0.01)], OPERATORS["Gemm"](a, x, w, c))

@operator("FusedMatMul")
def fused_mat_mul(a, x, y):
    def turned(t, trans, batch):
        t = t.movedim(0, -2) if batch else t
        return t.transpose(-1, -2) if trans else t
    x, y = (turned(t, a.get(f"trans{n}", 0), a.get(f"transBatch{n}", 0)) for t, n in ((x, "A"), (y, "B")))
    return a.get("alpha", 1.0) * torch.matmul(x, y)

@operator("Attention")
def attention(a, x, weights, bias=None, mask=None, past=None, added=None):
    if mask is not None or past is not None or a.get("unidirectional", 0):
        raise NotImplementedError("Attention with a mask or a past")
    heads = a["num_heads"]
    projected = x @ weights if bias is None else x @ weights + bias
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in projected.chunk(3, -1))
    y = F.scaled_dot_product_attention(q, k, v, added, scale=a.get("scale") or None)
    return y.transpose(1, 2).flatten(2)

@operator("CumSum")
def cum_sum(a, x, axis):
    axis = int(axis)
    x = x.flip(axis) if a.get("reverse", 0) else x
    y = x.cumsum(axis) - (x if a.get("exclusive", 0) else 0)
    return y.flip(axis) if a.get("reverse", 0) else y

known_pad = OPERATORS["Pad"]

@operator("Pad")
def pad(a, x, pads=None, value=None, axes=None):
    """A constant that is filled in has a gradient: it is padded around ones and zeros."""
    if a.get("mode", "constant") != "constant" or value is None:
        return known_pad(a, x, pads, value, axes)
    inside = known_pad(a, torch.ones_like(x), pads, None, axes)
    return known_pad(a, x, pads, None, axes) + (1 - inside) * value

known_clip, known_average, known_gather_nd = OPERATORS["Clip"], OPERATORS["AveragePool"], OPERATORS["GatherND"]
OPERATORS["Clip"] = lambda a, x, low=None, high=None: x if low is None and high is None else known_clip(a, x, low, high)
OPERATORS["TopK"] = lambda a, x, k: tuple(torch.topk(x, int(k), a.get("axis", -1), bool(a.get("largest", 1)), bool(a.get("sorted", 1))))

def window_sums(x, kernel, strides, dilations):
    """Sums over the windows of each channel, as a convolution with ones."""
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[x.dim() - 2]
    sums = function(x.flatten(0, 1).unsqueeze(1), x.new_ones([1, 1] + list(kernel)), None, tuple(strides), 0, tuple(dilations))
    return sums.squeeze(1).unflatten(0, x.shape[:2])

def window_of(a, x):
    rank, kernel = x.dim() - 2, a["kernel_shape"]
    strides, dilations = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
    pads = onnx_torch.spatial_pads(a, x, kernel, strides, dilations)
    return kernel, strides, dilations, pads, onnx_torch.ceil_pads(a, x, kernel, strides, dilations, pads)

@operator("AveragePool")
def average_pool(a, x):
    kernel, strides, dilations, pads, whole = window_of(a, x)
    if all(d == 1 for d in dilations):
        return known_average(a, x)
    total = window_sums(F.pad(x, onnx_torch.pad_list(whole)), kernel, strides, dilations)
    inside = torch.ones_like(x)
    if a.get("count_include_pad", 0):
        inside = F.pad(inside, onnx_torch.pad_list(pads), value=1.0)
        whole = [w - p for w, p in zip(whole, pads)]
    return total / window_sums(F.pad(inside, onnx_torch.pad_list(whole)), kernel, strides, dilations)

@operator("LpPool")
def lp_pool(a, x):
    kernel, strides, dilations, _, whole = window_of(a, x)
    p = a.get("p", 2)
    return window_sums(F.pad(x.abs().pow(p), onnx_torch.pad_list(whole)), kernel, strides, dilations).pow(1 / p)

@operator("GlobalLpPool")
def global_lp_pool(a, x):
    p = a.get("p", 2)
    return x.abs().pow(p).sum(list(range(2, x.dim())), keepdim=True).pow(1 / p)

def loss(of, also=None):
    def run(a, x, labels, weight=None):
        y = of(x, labels.to(torch.int64), weight, ignore_index=a.get("ignore_index", -100), reduction=a.get("reduction", "mean"))
        return y if also is None else (y, also(x))
    return run
OPERATORS["NegativeLogLikelihoodLoss"] = loss(F.nll_loss)
OPERATORS["SoftmaxCrossEntropyLoss"] = loss(F.cross_entropy, lambda x: F.log_softmax(x, 1))

@operator("GatherND")
def gather_nd(a, x, indices):
    batch = a.get("batch_dims", 0)
    if batch == 0:
        return known_gather_nd(a, x, indices)
    shape = x.shape[:batch]
    rows = [xs[onnx_torch.index_tuple(i)] for xs, i in zip(x.flatten(0, batch - 1), indices.flatten(0, batch - 1))]
    return torch.stack(rows).unflatten(0, shape)

@operator("OneHot")
def one_hot(a, indices, depth, values):
    depth, indices = int(depth), indices.to(torch.int64)
    inside = ((indices >= -depth) & (indices < depth)).unsqueeze(-1)  # others are off everywhere
    hot = (F.one_hot(indices % depth, depth) * inside).to(values.dtype)
    return (values[0] + (values[1] - values[0]) * hot).movedim(-1, a.get("axis", -1))

@operator("ReverseSequence")
def reverse_sequence(a, x, lengths):
    time, batch = a.get("time_axis", 0), a.get("batch_axis", 1)
    rows = x.movedim((batch, time), (0, 1))
    turned = torch.stack([torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(rows, onnx_torch.ints(lengths))])
    return turned.movedim((0, 1), (batch, time))

@operator("Col2Im")
def col_to_im(a, x, image, block):
    pads = a.get("pads", [0] * 2 * len(image))
    if len(image) != 2 or pads[:2] != pads[2:]:
        raise NotImplementedError("Col2Im other than over two axes with equal pads")
    return F.fold(x, onnx_torch.ints(image), onnx_torch.ints(block), a.get("dilations", [1, 1]), pads[:2], a.get("strides", [1, 1]))

def gradients(folder, case):
    network = Network(os.path.join(folder, case["model"]), torch.float64)
    feeds = {name: torch.tensor(numbers, dtype=torch.float64).reshape(shape) for name, (shape, numbers) in case["inputs"].items()}
    values = network.run(feeds, list(feeds))
    outputs = [values[name] for name in network.outputs]
    loss = sum((torch.tensor(c, dtype=torch.float64).reshape(y.shape) * y).sum() for c, y in zip(case["weights"], outputs))
    found = torch.autograd.grad(loss, [values[name] for name in feeds], allow_unused=True)
    return [(torch.zeros_like(x) if g is None else g).reshape(-1).tolist() for x, g in zip(feeds.values(), found)]

def main():
    folder = sys.argv[2]
    with open(os.path.join(folder, "cases.json")) as file:
        cases = json.load(file)
    results = []
    for case in cases:
        try:
            results.append({"gradients": gradients(folder, case)})
        except Exception as error:  # every kind is a reason to tell
            results.append({"reason": f"{type(error).__name__}: {error}".splitlines()[0]})
    with open(os.path.join(folder, "results.json"), "w") as file:
        json.dump(results, file)

if __name__ == "__main__":
    main()
