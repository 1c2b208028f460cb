// A part of predict.py, which graft export ray writes: the two ways to run, and the command line.
// The text is Python as it is run: ruff's format at 100 columns, no dollar signs, no backquotes.

export const rayRun = String.raw`

# --- the two ways --------------------------------------------------------------------------------


def run_here(options: argparse.Namespace, model: bytes, recipe: Recipe) -> int:
    """Without Ray, one batch after the other."""
    flat = options.format == "csv"
    predictor = Predictor(
        model, recipe, options.top, options.cpus_per_worker, options.gpus_per_worker, flat
    )
    names = column_names(predictor.outputs, recipe, predictor.top)
    os.makedirs(options.out, exist_ok=True)
    target = os.path.join(options.out, f"predictions.{options.format}")
    count = 0
    if options.format == "parquet":
        import pyarrow
        import pyarrow.parquet

        schema = pyarrow.schema(column_types(predictor.outputs, recipe, predictor.top, flat))
        with pyarrow.parquet.ParquetWriter(target, schema) as table:
            for rows in batches(options, predictor):
                table.write_table(pyarrow.Table.from_pylist(rows, schema))
                count += len(rows)
        return count
    with open(target, "w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, names)
        if flat:
            sheet.writeheader()
        for rows in batches(options, predictor):
            if flat:
                sheet.writerows(rows)
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            count += len(rows)
    return count


def batches(options: argparse.Namespace, predictor: Predictor) -> Iterator[list[dict[str, Any]]]:
    """Rows, a batch at a time."""
    waiting: list[str] = []
    for path in list_pictures(options.images):
        waiting.append(path)
        if len(waiting) == options.batch_size:
            yield predictor.predict(waiting)
            waiting = []
    if waiting:
        yield predictor.predict(waiting)


def run_on_ray(options: argparse.Namespace, model: bytes, recipe: Recipe) -> int:
    """On a cluster: paths go out in blocks, workers read, predict and write."""
    import pyarrow
    import ray

    needed = {"pip": ["numpy", "onnxruntime", "pillow"]} if options.install else None
    memory = None if options.object_store_mb is None else options.object_store_mb * 1024 * 1024
    ray.init(
        address=options.address,
        runtime_env=needed,
        log_to_driver=options.verbose,
        **(
            {} if options.address else {"num_cpus": options.num_cpus, "object_store_memory": memory}
        ),
    )
    paths = list(list_pictures(options.images))
    if not paths:
        return 0
    cpus = int(ray.cluster_resources().get("CPU", 1))
    workers = options.concurrency or max(1, cpus // options.cpus_per_worker)
    size = min(4096, max(options.batch_size, math.ceil(len(paths) / (4 * workers))))
    blocks = [
        pyarrow.table({"path": [os.fsencode(path) for path in paths[at : at + size]]})
        for at in range(0, len(paths), size)
    ]
    flat = options.format == "csv"
    # in a list, so that the bytes go to each machine once and a worker asks for them itself
    shared = [ray.put(model)]
    predictions = ray.data.from_arrow(blocks).map_batches(
        Predictor,
        fn_constructor_args=(
            shared,
            recipe,
            options.top,
            options.cpus_per_worker,
            options.gpus_per_worker,
            flat,
        ),
        batch_size=options.batch_size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        num_cpus=options.cpus_per_worker,
        num_gpus=options.gpus_per_worker,
    )
    out = options.out if is_remote(options.out) else os.path.abspath(options.out)
    if options.format == "parquet":
        predictions.write_parquet(out)
    elif flat:
        predictions.write_csv(out)
    else:
        predictions.write_json(out)
    return len(paths)


def main() -> None:
    """Reads the options, checks that the files belong together, and predicts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole = dict(type=int, metavar="N")
    parser.add_argument(
        "--images",
        nargs="+",
        required=True,
        metavar="PATH",
        help="folders, files, patterns, or addresses such as s3://bucket/pictures",
    )
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="new folder, here or in a store"
    )
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl"), default="parquet")
    parser.add_argument("--top", default=0, **whole, help="also the N most probable labels")
    parser.add_argument("--batch-size", default=16, **whole, help="pictures a run (default: 16)")
    parser.add_argument("--concurrency", **whole, help="most workers (default: all processors)")
    parser.add_argument("--cpus-per-worker", default=1, **whole, help="default: 1")
    parser.add_argument(
        "--gpus-per-worker",
        type=float,
        default=0,
        metavar="N",
        help="a share is fine, such as 0.5; needs onnxruntime-gpu (default: 0)",
    )
    parser.add_argument("--address", metavar="RAY", help="a cluster: auto, or ray://head:10001")
    parser.add_argument(
        "--num-cpus", **whole, help="processors of this machine (without --address)"
    )
    parser.add_argument(
        "--object-store-mb", **whole, help="Ray's shared memory (without --address)"
    )
    parser.add_argument(
        "--install", action="store_true", help="workers install what is needed with pip"
    )
    parser.add_argument("--local", action="store_true", help="without Ray, in this process")
    parser.add_argument("--verbose", action="store_true", help="what workers print")
    options = parser.parse_args()
    for name in ("batch_size", "cpus_per_worker", "concurrency", "num_cpus"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')} is {value}: wanted 1 or more")
    if options.top < 0:
        parser.error(f"--top is {options.top}: wanted 0 or more")
    if not is_remote(options.out) and os.path.isdir(options.out) and os.listdir(options.out):
        parser.error(f"{options.out} is there already and is not empty")

    here = os.path.dirname(os.path.abspath(__file__))
    recipe = Recipe.read(os.path.join(here, "recipe.json"))
    with open(os.path.join(here, "model.onnx"), "rb") as file:
        model = file.read()
    if hashlib.sha256(model).hexdigest() != recipe.sha256:
        sys.exit("model.onnx and recipe.json do not belong together: export both again")
    began = time.perf_counter()
    count = (run_here if options.local else run_on_ray)(options, model, recipe)
    if count == 0:
        sys.exit("no pictures were found")
    passed = time.perf_counter() - began
    print(f"{count} pictures in {passed:.1f} s, {count / passed:.1f} a second: {options.out}")


if __name__ == "__main__":
    main()
`;
