"""PyTorch's own steps on a case of torch_peer.py, for trunk-step.ts to compare with: the exported network, the batch, and the weights after each step.

Usage: python3 trunk_reference.py PEERS CASE FOLDER [--steps 2] [--lr 0.01] [--batch N]
Writes FOLDER/CASE.onnx and FOLDER/reference.safetensors: features, labels, losses [steps], step1:<parameter> (after the first step),
gradient:<parameter> (at the start), in float32 as PyTorch computed them.
"""
import argparse, json, os, struct, subprocess, sys
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("peers"); parser.add_argument("case"); parser.add_argument("folder")
parser.add_argument("--steps", type=int, default=2); parser.add_argument("--lr", type=float, default=0.01); parser.add_argument("--batch", type=int)
o = parser.parse_args()
sys.path.insert(0, o.peers)
extra = ["--batch", str(o.batch)] if o.batch else []
subprocess.run([sys.executable, os.path.join(o.peers, "torch_peer.py"), o.case, "--export", o.folder, "--trajectory", "0", *extra], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
import torch, torch.nn.functional as F, torch_peer

torch.set_num_threads(1); torch.manual_seed(0)
model, _ = torch_peer.case(o.case)
torch_peer.settle(model, 0)
model.eval()
data = np.load(os.path.join(o.folder, o.case + ".npz"))
x, y = torch.from_numpy(data["features"]), torch.from_numpy(data["labels"])
optimizer = torch.optim.SGD(model.parameters(), lr=o.lr, momentum=0.9)
held = {"features": data["features"], "labels": data["labels"]}
losses = []
for step in range(o.steps):
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad(set_to_none=True); loss.backward()
    if step == 0:
        held.update({f"gradient:{name}": p.grad.numpy().copy() for name, p in model.named_parameters()})
    optimizer.step(); losses.append(float(loss.detach()))
    held.update({f"step{step + 1}:{name}": p.detach().numpy().copy() for name, p in model.named_parameters()} if step == 0 else {})
held["losses"] = np.array(losses, "<f4")
header, offset = {}, 0
for name, array in held.items():
    held[name] = array = np.ascontiguousarray(array)
    header[name] = {"dtype": {"float32": "F32", "int64": "I64"}[str(array.dtype)], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
    offset += array.nbytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(o.folder, "reference.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for array in held.values():
        file.write(array.tobytes())
