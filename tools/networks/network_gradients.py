"""PyTorch's losses, logits and gradients of an ONNX file, for tools/compare-gradients.ts.

    python network_gradients.py PEERS model.onnx OUT --seeds 5 [--batch 2] [--size 224] [--twin] [--logits NAME]

PEERS is the folder with onnx_torch.py and smooth_twin.py. Writes OUT/SEED.safetensors (input, labels, loss, logits, grad:NAME; from float64) and, with
--twin, OUT/twin.onnx and OUT/twin-SEED.safetensors. Prints one JSON line: {"peer": [worst relative L2 error of float32 to float64, one a seed]}.
"""
import argparse, json, os, struct, sys
import numpy as np

def write(path, arrays):
    header, offset, parts = {}, 0, []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        header[name] = {"dtype": {"float32": "F32", "float64": "F64", "int64": "I64"}[array.dtype.name], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        parts.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))

def worst(a, b, floor):
    errors = [np.linalg.norm(a[k].astype(np.float64) - b[k]) / max(np.linalg.norm(b[k]), floor) for k in b if k.startswith("grad:") and k in a]
    return max(errors, default=0.0)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers"); parser.add_argument("model"); parser.add_argument("out"); parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=2); parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--twin", action="store_true"); parser.add_argument("--logits")
    options = parser.parse_args()
    sys.path.insert(0, options.peers)
    import onnx, torch, onnx_torch, smooth_twin
    import torch.nn.functional as F
    torch.set_num_threads(1)

    def gradients(model, x, labels, double):
        network = onnx_torch.Network(model, torch.float64 if double else torch.float32)
        wrt = network.parameters()
        values = network.run({network.inputs[0]: torch.from_numpy(x).to(network.floating)}, wrt)
        logits = values[options.logits or network.logits_name()].reshape(len(x), -1)
        loss = F.cross_entropy(logits, torch.from_numpy(labels))
        found = torch.autograd.grad(loss, [values[name] for name in wrt], allow_unused=True)
        result = {f"grad:{name}": g.numpy() for name, g in zip(wrt, found) if g is not None}
        return {**result, "loss": np.array(loss.item(), np.float64), "logits": logits.detach().numpy()}

    def runs(model, prefix):
        names = {i.name for i in model.graph.initializer}
        dims = next(i for i in model.graph.input if i.name not in names).type.tensor_type.shape.dim
        shape = [dims[0].dim_value or options.batch] + [d.dim_value or options.size for d in dims[1:]]
        peers = []
        for seed in range(options.seeds):
            random = np.random.default_rng(seed)
            x = random.standard_normal(shape).astype(np.float32)
            labels = random.integers(0, 10, len(x)).astype(np.int64)
            with torch.no_grad():
                network = onnx_torch.Network(model)
                values = network.run({network.inputs[0]: torch.from_numpy(x)})
                labels = labels % values[options.logits or network.logits_name()].reshape(len(x), -1).shape[1]
            exact = gradients(model, x, labels, True)
            floor = 1e-7 * np.sqrt(sum(np.sum(v ** 2) for k, v in exact.items() if k.startswith("grad:")))
            peers.append(worst(gradients(model, x, labels, False), exact, floor))
            # float64 where the graph allows it, rounded once for the file
            write(os.path.join(options.out, f"{prefix}{seed}.safetensors"), {"input": x, "labels": labels, **{k: v.astype(np.float32) if v.ndim else v for k, v in exact.items()}})
        return peers

    peer = runs(onnx.load(options.model), "")
    if options.twin:
        twin = os.path.join(options.out, "twin.onnx")
        smooth_twin.main(options.model, twin)
        runs(onnx.load(twin), "twin-")
    print(json.dumps({"peer": peer}))

if __name__ == "__main__":
    main()
