"""PyTorch at the work of `graft train --unfreeze`: SqueezeNet 1.1 behind a cut, on the pictures of a folder. For tools/bench/fine-tune.ts.

    python fine_tune_reference.py MODEL.onnx PICTURES --cut-fires 2 --strength C [--channels-last] [--epochs 5] [--rate F] [--trunk-rate F] [--batch 16]

Reads {"seed": N} lines and answers each with {"accuracy", "head", "cpu_ms", "wall_ms"}. The work: decode and resize every picture (Pillow), run the
frozen fires once (with --flip also over each training picture mirrored, shown every second epoch), fit the head full-batch by L-BFGS at the strength
given, then train the last fires and the head by AdamW along one cycle, with a Polyak average, judged each epoch by the loss at the best temperature;
the head alone is a candidate too. CPU time is of the process, one thread, from the first picture to the last figure; imports do not count.
"""
import argparse, copy, json, os, sys, time
import numpy as np, onnx, torch, torch.nn as nn, torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image

def network(path):
    for operator in ("nms", "qnms"):
        try:
            torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass
    import torchvision
    model = torchvision.models.squeezenet1_1(weights=None)
    tensors = {i.name: numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}
    convs = [n.input for n in onnx.load(path).graph.node if n.op_type == "Conv"]
    ours = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == len(ours), "the file is no SqueezeNet 1.1"
    for module, names in zip(ours, convs):
        module.weight.data = torch.from_numpy(tensors[names[1]].copy()); module.bias.data = torch.from_numpy(tensors[names[2]].copy())
    return model.eval()

def picture(path):
    image = Image.open(path).convert("RGB")
    w, h = image.size
    scale = 256 / min(w, h)
    image = image.resize((max(256, round(w * scale)), max(256, round(h * scale))), Image.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    x = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    return ((x - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])).transpose(2, 0, 1)

def one_cycle(step, total, rising=0.25, first=1 / 25, last=1e-5):
    between = lambda a, b, t: b + (a - b) * (1 + np.cos(np.pi * t)) / 2
    turn, end = max(0, rising * total - 1), total - 1
    return between(first, 1, step / turn) if step <= turn and turn > 0 else between(1, last, (step - turn) / (end - turn))

def calibrated(logits, y):
    """The mean loss at the best temperature, by golden section over its logarithm."""
    loss = lambda t: float(F.cross_entropy(logits * float(np.exp(t)), y))
    ratio, low, high = (5 ** 0.5 - 1) / 2, np.log(1e-3), np.log(1e4)
    while high - low > 1e-4:
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) <= loss(b) else (a, high)
    return loss((low + high) / 2)

class Tuned(nn.Module):
    def __init__(self, trunk, classes):
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(512, classes)
    def features(self, x):
        return self.trunk(x).mean((2, 3))
    def forward(self, x):
        return self.head(self.features(x))

def run(o, seed):
    torch.manual_seed(seed)
    model = network(o.model)
    fires = [i for i, m in enumerate(model.features) if type(m).__name__ == "Fire"]
    cut = fires[-o.cut_fires]
    frozen, trunk = model.features[:cut], model.features[cut:]
    layout = torch.channels_last if o.channels_last else torch.contiguous_format
    classes = sorted(os.listdir(os.path.join(o.pictures, "train")))
    def rows(split, mirrored=False):
        files = [(os.path.join(o.pictures, split, c, f), k) for k, c in enumerate(classes) for f in sorted(os.listdir(os.path.join(o.pictures, split, c)))]
        maps = []
        with torch.no_grad():
            for i in range(0, len(files), 8):
                x = torch.from_numpy(np.stack([picture(f)[..., ::-1 if mirrored else 1] for f, _ in files[i:i + 8]])).contiguous(memory_format=layout)
                maps.append(frozen(x))
        return torch.cat(maps).contiguous(memory_format=layout), torch.tensor([k for _, k in files])
    frozen = frozen.to(memory_format=layout)
    x, y = rows("train"); vx, vy = rows("val")
    shown = [x, rows("train", mirrored=True)[0]] if o.flip else [x]
    tuned = Tuned(trunk, len(classes)).to(memory_format=layout)
    with torch.no_grad():
        features = torch.cat([tuned.features(x[i:i + 16]) for i in range(0, len(x), 16)]); held = torch.cat([tuned.features(vx[i:i + 16]) for i in range(0, len(vx), 16)])
    mean, std = features.mean(0), features.std(0, unbiased=False) + 1e-8
    scaled = (features - mean) / std
    w = torch.zeros(len(classes), 512, requires_grad=True); b = torch.zeros(len(classes), requires_grad=True)
    lbfgs = torch.optim.LBFGS([w, b], max_iter=100, line_search_fn="strong_wolfe")
    def closure():
        lbfgs.zero_grad()
        loss = F.cross_entropy(scaled @ w.t() + b, y) + (w * w).sum() / (2 * o.strength * len(x))
        loss.backward()
        return loss
    lbfgs.step(closure)
    with torch.no_grad():
        tuned.head.weight.copy_(w / std); tuned.head.bias.copy_(b - (w / std) @ mean)
        logits = tuned.head(held)
        head = float((logits.argmax(1) == vy).float().mean())
        best = (calibrated(logits, vy), head)
    groups = [{"params": tuned.head.parameters(), "share": 1.0}, {"params": tuned.trunk.parameters(), "share": o.trunk_rate}]
    optimizer = torch.optim.AdamW(groups, lr=o.rate, weight_decay=0.01, fused=True)
    parameters = list(tuned.parameters()); average = [p.detach().clone() for p in parameters]
    per_epoch = -(-len(x) // o.batch); total = per_epoch * o.epochs; steady = 1 - 2 ** (-1 / per_epoch); step = 0
    judged = copy.deepcopy(tuned)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(o.epochs):
        seen = shown[epoch % len(shown)]
        for rows_of in torch.tensor_split(torch.randperm(len(x), generator=generator), per_epoch):
            for group in optimizer.param_groups:
                group["lr"] = o.rate * group["share"] * one_cycle(step, total)
            step += 1
            loss = F.cross_entropy(tuned(seen[rows_of].contiguous(memory_format=layout)), y[rows_of])
            optimizer.zero_grad(set_to_none=True); loss.backward(); optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, parameters, max(1 / step, steady))
        with torch.no_grad():
            for p, a in zip(judged.parameters(), average):
                p.copy_(a)
            logits = torch.cat([judged(vx[i:i + 32]) for i in range(0, len(vx), 32)])
            found = (calibrated(logits, vy), float((logits.argmax(1) == vy).float().mean()))
            best = found if found[0] < best[0] else best
    return {"accuracy": best[1], "head": head}

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model"); parser.add_argument("pictures"); parser.add_argument("--cut-fires", type=int, default=2); parser.add_argument("--strength", type=float, default=0.01)
    parser.add_argument("--channels-last", action="store_true"); parser.add_argument("--epochs", type=int, default=5); parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--trunk-rate", type=float, default=0.3); parser.add_argument("--batch", type=int, default=16); parser.add_argument("--flip", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(1)
    network(o.model)
    print("ready", flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        result = run(o, json.loads(line)["seed"])
        print(json.dumps({**result, "cpu_ms": (time.process_time() - cpu) * 1e3, "wall_ms": (time.perf_counter() - wall) * 1e3}), flush=True)

if __name__ == "__main__":
    main()
