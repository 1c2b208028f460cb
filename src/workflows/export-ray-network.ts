// A part of predict.py, which graft export ray writes: the network, opened once by each worker, what it says as rows, and
// where pictures are.
// The text is Python as it is run: ruff's format at 100 columns, no dollar signs, no backquotes.

export const rayNetwork = String.raw`

# --- the network ---------------------------------------------------------------------------------


class Predictor:
    """Opens the network once; called with paths it gives a table, a row a picture."""

    def __init__(
        self, model: Any, recipe: Recipe, top: int, threads: int, gpus: float, flat: bool
    ) -> None:
        if not isinstance(model, bytes):
            import ray

            model = ray.get(model[0])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        providers = ["CUDAExecutionProvider"] if gpus > 0 else []
        self.session = onnxruntime.InferenceSession(
            model, options, providers=[*providers, "CPUExecutionProvider"]
        )
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.recipe = recipe
        self.top = min(top, len(recipe.labels))
        self.flat = flat
        # Pillow decodes outside of Python's lock
        self.readers = ThreadPoolExecutor(max(2, threads))

    def __call__(self, batch: Any) -> Any:
        """For Ray: a pyarrow table with the column path."""
        import pyarrow

        rows = self.predict([os.fsdecode(path) for path in batch.column("path").to_pylist()])
        columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
        types = column_types(self.outputs, self.recipe, self.top, self.flat)
        return pyarrow.table(columns, schema=pyarrow.schema(types))

    def predict(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """Rows for pictures, in their order; one that cannot be read says so and stops nothing."""
        pictures = list(self.readers.map(self.read, paths))
        good = [picture for picture in pictures if isinstance(picture, np.ndarray)]
        answers: list[dict[str, np.ndarray]] = []
        if good:
            values = self.session.run(self.outputs, {"pictures": np.stack(good)})
            named = dict(zip(self.outputs, values))
            answers = [{name: named[name][i] for name in named} for i in range(len(good))]
        left = iter(answers)
        return [
            self.failed(path, picture) if isinstance(picture, str) else self.row(path, next(left))
            for path, picture in zip(paths, pictures)
        ]

    def read(self, path: str) -> np.ndarray | str:
        """Prepared pixels, or what is wrong."""
        try:
            return prepare(read_bytes(path), self.recipe)
        except PictureError as error:
            return str(error)
        except Exception as error:
            return f"IMAGE_UNREADABLE: {type(error).__name__}: {error}"

    def row(self, path: str, answer: dict[str, np.ndarray]) -> dict[str, Any]:
        """What the network says of a picture."""
        labels = self.recipe.labels
        shares = answer["probabilities"]
        # equal ones in label order
        order = np.argsort(-shares, kind="stable")
        row: dict[str, Any] = {
            "path": shown(path),
            "label": labels[order[0]],
            "probability": float(shares[order[0]]),
            "probabilities": [float(share) for share in shares],
        }
        if self.recipe.task == "multi-label":
            row["labels"] = [label for label, share in zip(labels, shares) if share >= 0.5]
        if self.top > 0:
            row["top"] = [labels[k] for k in order[: self.top]]
            row["top_probabilities"] = [float(shares[k]) for k in order[: self.top]]
        if "uncertainty" in answer:
            row["entropy"], row["mutual_information"] = map(float, answer["uncertainty"])
        if "predictionSet" in answer:
            row["prediction_set"] = [
                label for label, is_in in zip(labels, answer["predictionSet"]) if is_in
            ]
        if "unknown" in answer:
            row["unknown"] = bool(answer["unknown"])
        if "outlierScore" in answer:
            row["outlier_score"] = float(answer["outlierScore"])
        row["error"] = None
        return flattened(row) if self.flat else row

    def failed(self, path: str, error: str) -> dict[str, Any]:
        """The row of a picture without an answer."""
        names = column_names(self.outputs, self.recipe, self.top)
        return {**dict.fromkeys(names), "path": shown(path), "error": shown(error)}


def column_names(outputs: Sequence[str], recipe: Recipe, top: int) -> list[str]:
    """Columns in their order: what the network gives decides."""
    return [
        "path",
        "label",
        "probability",
        "probabilities",
        *(["labels"] if recipe.task == "multi-label" else []),
        *(["top", "top_probabilities"] if top > 0 else []),
        *(["entropy", "mutual_information"] if "uncertainty" in outputs else []),
        *(["prediction_set"] if "predictionSet" in outputs else []),
        *(["unknown"] if "unknown" in outputs else []),
        *(["outlier_score"] if "outlierScore" in outputs else []),
        "error",
    ]


def column_types(outputs: Sequence[str], recipe: Recipe, top: int, flat: bool) -> list[Any]:
    """Columns with their types, the same for every batch, whatever is missing in it."""
    import pyarrow

    texts, numbers = pyarrow.list_(pyarrow.string()), pyarrow.list_(pyarrow.float32())
    special = {
        "probabilities": pyarrow.string() if flat else numbers,
        "labels": pyarrow.string() if flat else texts,
        "top": pyarrow.string() if flat else texts,
        "top_probabilities": pyarrow.string() if flat else numbers,
        "prediction_set": pyarrow.string() if flat else texts,
        "probability": pyarrow.float32(),
        "entropy": pyarrow.float32(),
        "mutual_information": pyarrow.float32(),
        "outlier_score": pyarrow.float32(),
        "unknown": pyarrow.bool_(),
    }
    names = column_names(outputs, recipe, top)
    return [(name, special.get(name, pyarrow.string())) for name in names]


def flattened(row: dict[str, Any]) -> dict[str, Any]:
    """Lists as JSON, for files whose cells hold none."""
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
        for name, value in row.items()
    }


# --- where pictures are --------------------------------------------------------------------------


def shown(text: str) -> str:
    """A name of a file that is no UTF-8 as text."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_remote(path: str) -> bool:
    """Whether a path is an address such as s3://bucket/pictures."""
    return "://" in path


def read_bytes(path: str) -> bytes:
    """The bytes of a file, here or in a store that pyarrow knows."""
    if not is_remote(path):
        if not os.path.isfile(path):
            raise FileNotFoundError("no regular file")
        if os.path.getsize(path) > MOST_BYTES:
            raise PictureError(f"IMAGE_TOO_LARGE: {os.path.getsize(path)} bytes")
        with open(path, "rb") as file:
            return file.read()
    from pyarrow import fs

    system, name = fs.FileSystem.from_uri(path)
    with system.open_input_stream(name) as stream:
        return stream.read(MOST_BYTES + 1)


def list_pictures(sources: Sequence[str]) -> Iterator[str]:
    """Pictures of folders, patterns and files; of a folder without hidden and other files."""
    for source in sources:
        if is_remote(source):
            yield from list_remote(source)
        elif os.path.isdir(source):
            seen: set[str] = set()
            for folder, folders, files in os.walk(source, followlinks=True):
                real = os.path.realpath(folder)
                # links are followed, each folder once
                folders[:] = [] if real in seen else sorted(f for f in folders if f[0] != ".")
                files = [] if real in seen else files
                seen.add(real)
                paths = (os.path.abspath(os.path.join(folder, name)) for name in sorted(files))
                yield from (path for path in paths if is_picture(path) or is_picture_inside(path))
        elif os.path.exists(source) or not glob.has_magic(source):
            yield os.path.abspath(source)
        else:
            found = sorted(glob.glob(source, recursive=True))
            yield from (os.path.abspath(name) for name in found if os.path.isfile(name))


def list_remote(source: str) -> Iterator[str]:
    """Pictures below an address."""
    from pyarrow import fs

    system, name = fs.FileSystem.from_uri(source)
    if system.get_file_info(name).type != fs.FileType.Directory:
        yield source
        return
    root = (
        source[: len(source) - len(name)]
        if source.endswith(name)
        else source.split("://")[0] + "://"
    )
    for info in system.get_file_info(fs.FileSelector(name, recursive=True)):
        if info.type == fs.FileType.File and is_picture(info.base_name):
            yield root + info.path


def is_picture(path: str) -> bool:
    """By the name, as graft predict takes files of a folder; what is none after all is an error."""
    name = os.path.basename(path)
    return not name.startswith(".") and name.lower().endswith(EXTENSIONS)


def is_picture_inside(path: str) -> bool:
    """Of a name without an ending the first bytes tell."""
    name = os.path.basename(path)
    if name.startswith(".") or os.path.splitext(name)[1] != "" or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return False
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
    return head.startswith(starts) or (head[:4] == b"RIFF" and head[8:] == b"WEBP")
`;
