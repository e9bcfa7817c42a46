"""Write ``lenet-reference.json`` anew: python -m measurements.data.make_reference.

Losses and rounding of the reference on our own digits, which every process would have to compute.
"""

import hashlib
import json
import os

from measurements import gate, lenet

if __name__ == "__main__":
    data = lenet.load_data()
    settings = [lenet.BATCH, lenet.LEARNING_RATE, lenet.SEED, lenet.DEPTH, lenet.GATE_STEPS]
    found = gate.computed(data, settings)
    content = {
        "settings": [data.sha256] + settings,
        "losses": found.losses.tolist(),
        "spread": found.spread,
    }
    text = (json.dumps(content, indent=1) + "\n").encode("ascii")
    with open(os.path.join(lenet.FOLDER, "lenet-reference.json"), "wb") as file:
        file.write(text)
    print(hashlib.sha256(text).hexdigest())
