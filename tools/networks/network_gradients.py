"""PyTorch's losses, logits and gradients of an ONNX file, one seed at a time, for tools/compare-gradients.ts.

    python network_gradients.py PEERS model.onnx OUT --input NAME [--type float32] [--logits NAME]

PEERS is the folder with onnx_torch.py and smooth_twin.py. Reads lines {"seed": N, "twin": false, "shape": [1,3,224,224]}
and answers each with one: {"file", "errors"}: a safetensors file of what float64 finds (input, labels, loss, logits, grad:NAME) and the
relative L2 error of float32 to it, by weight; or {"error"}. With "twin" the same of the network's smooth twin,
OUT/twin.onnx. Weights inside Constant nodes are weights. Every error is an answer.
"""
import argparse, json, os, struct, sys
import numpy as np

def write(path, arrays):
    kinds = {"float32": "F32", "float64": "F64", "int64": "I64", "uint8": "U8", "int32": "I32"}
    header, offset, parts = {}, 0, []
    for name, array in arrays.items():
        array = np.asarray(array, order="C")
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        parts.append(array)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for part in parts:
            part.tofile(file)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers"); parser.add_argument("model"); parser.add_argument("out")
    parser.add_argument("--input", required=True)
    parser.add_argument("--type", default="float32"); parser.add_argument("--logits")
    options = parser.parse_args()
    sys.path.insert(0, options.peers)
    import onnx, torch, onnx_torch, smooth_twin
    import torch.nn.functional as F
    from onnx import numpy_helper
    torch.set_num_threads(1)
    models = {}

    def load(twin):
        path = os.path.join(options.out, "twin.onnx") if twin else options.model
        if twin and not os.path.exists(path):
            smooth_twin.main(options.model, path)
        model = onnx.load(path)
        kept = []
        for node in model.graph.node:
            value = node.attribute[0].t if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value" else None
            if value is not None and value.data_type in (1, 10, 11):
                initializer = model.graph.initializer.add()
                initializer.CopyFrom(value)
                initializer.name = node.output[0]
            else:
                kept.append(node)
        del model.graph.node[:]
        model.graph.node.extend(kept)
        return model

    def logits_of(network, values):
        """What goes into a Softmax at the end, be there changes of shape after it or not."""
        if options.logits in values:
            return values[options.logits]
        makers = {name: node for node in network.model.graph.node for name in node.output}
        name = network.outputs[0]
        while name in makers:
            node = makers[name]
            if node.op_type in ("Softmax", "LogSoftmax"):
                return values[node.input[0]]
            if node.op_type not in ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout", "Cast"):
                break
            name = node.input[0]
        return values[network.outputs[0]]

    def gradients(model, x, labels, double):
        floating = torch.float64 if double else torch.float32
        torch.set_default_dtype(floating)  # numbers that the peer makes itself
        network = onnx_torch.Network(model, floating)
        fed = torch.from_numpy(x)
        wrt = network.parameters()
        values = network.run({options.input: fed.to(network.floating) if fed.is_floating_point() else fed}, wrt)
        logits = logits_of(network, values).reshape(len(x), -1)
        loss = F.cross_entropy(logits, torch.from_numpy(labels % logits.shape[1]))
        found = torch.autograd.grad(loss, [values[name] for name in wrt], allow_unused=True)
        result = {f"grad:{name}": g.numpy() for name, g in zip(wrt, found) if g is not None}
        return {**result, "loss": np.array(loss.item(), np.float64), "logits": logits.detach().numpy()}

    def answer(seed, twin, shape):
        if twin not in models:
            models.clear()
            models[twin] = load(twin)
        random = np.random.default_rng(seed)
        isFloat = options.type.startswith("float")
        x = random.standard_normal(shape).astype(np.float32) if isFloat else random.integers(0, 256, shape).astype(options.type)
        labels = random.integers(0, 10, len(x)).astype(np.int64)
        exact = gradients(models[twin], x, labels, True)
        norms = {k: np.linalg.norm(v) for k, v in exact.items() if k.startswith("grad:") and np.isfinite(v).all()}
        floor = 1e-7 * np.sqrt(sum(norm ** 2 for norm in norms.values()))
        # rounded once for the file, the loss aside
        exact = {k: v.astype(np.float32) if v.ndim or k.startswith("grad:") else v for k, v in exact.items()}
        labels = labels % exact["logits"].shape[1]
        path = os.path.join(options.out, "reference.safetensors")
        write(path, {"input": x, "labels": labels, **exact})
        single = gradients(models[twin], x, labels, False)
        errors = {k: np.linalg.norm(single[k].astype(np.float64) - exact[k]) / max(norm, floor) for k, norm in norms.items() if k in single}
        return {"file": path, "errors": {k[5:]: float(v) for k, v in errors.items()}}

    for line in sys.stdin:
        try:
            result = answer(**json.loads(line))
        except NotImplementedError as error:
            result = {"error": f"PyTorch's peer does not know {error}"}
        except (Exception, SystemExit) as error:
            result = {"error": f"PyTorch's peer: {type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)

if __name__ == "__main__":
    main()
