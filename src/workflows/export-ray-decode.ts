// A part of predict.py, which graft export ray writes: pictures as src/pictures decodes them. A large JPEG is decoded at a
// half, a quarter or an eighth and made smaller as libvips does it, to the bit, so that numbers are those of graft predict.
// The text is Python as it is run: ruff's format at 100 columns, no dollar signs, no backquotes.

export const rayDecode = String.raw`

def decode(data: bytes, recipe: Recipe) -> Decoded:
    """Upright 8-bit sRGB, transparent pixels on the background; of an animation the first frame."""
    if len(data) > MOST_BYTES:
        raise PictureError(f"IMAGE_TOO_LARGE: {len(data)} bytes")
    # Pillow's own limit gives way to ours, which is checked before anything is decoded
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:
        raise PictureError("IMAGE_UNSUPPORTED: no JPEG, PNG, WebP or GIF") from error
    size = picture.size
    if max(size) > LONGEST_SIDE or size[0] * size[1] > MOST_PIXELS:
        raise PictureError(f"IMAGE_TOO_LARGE: {size[0]} x {size[1]} pixels")
    try:
        fraction = 1
        smaller = reduction(picture, recipe) if picture.format in ("JPEG", "MPO") else None
        if smaller:
            fraction = smaller[2]
            picture.draft(None, (size[0] // fraction, size[1] // fraction))
        picture.load()
        orientation = orientation_of(picture)
        colours = to_srgb(picture, recipe.background)
        if smaller:
            # as libvips does: a last pixel that the picture fills in part only is dropped
            pixels = np.asarray(colours, np.int32)[: size[1] // fraction, : size[0] // fraction]
            pixels = shrunk(shrunk(pixels, smaller[1]).swapaxes(0, 1), smaller[0]).swapaxes(0, 1)
            colours = Image.fromarray(np.ascontiguousarray(pixels, np.uint8))
    except Exception as error:
        raise PictureError(f"IMAGE_CORRUPT: {type(error).__name__}: {error}") from error
    for turn in TURNS.get(orientation, ()):
        colours = colours.transpose(turn)
    whole = (size[1], size[0]) if orientation in (5, 6, 7, 8) else size
    box = box_of(colours.size, whole, fraction, orientation) if smaller else None
    return Decoded(colours, whole, box)


def shrunk(pixels: np.ndarray, out: int) -> np.ndarray:
    """Fewer rows by libvips' reducev: cubic, 64 places between rows, weights in 2**-12, cut off."""
    shrink = len(pixels) / out
    # where much is taken away, whole rows are averaged first
    whole = int(shrink / 4)
    if whole > 1:
        pixels = np.concatenate([pixels, np.repeat(pixels[-1:], -len(pixels) % whole, axis=0)])
        groups = pixels.reshape(-1, whole, *pixels.shape[1:]).sum(axis=1)
        pixels = (groups + whole // 2) // whole
        shrink /= whole
    taps = 2 * round(2 * shrink) + 1
    places = np.arange(65)[:, None] / 64 + taps / 2 - 1
    d = np.abs((np.arange(taps) - places) / shrink)
    # written as libvips writes it: the last bit decides what is cut off
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    shares = np.where(d <= 1, near, np.where(d <= 2, far, 0.0))
    shares = (shares / shares.sum(axis=1, keepdims=True) * 4096).astype(np.int32)
    centers = (np.arange(out) + 0.5) * shrink
    place = ((centers * 128).astype(np.int64) % 128 + 1) // 2
    first = centers.astype(np.int64) - taps // 2
    sums = np.full((out, *pixels.shape[1:]), 2048, np.int32)
    for tap in range(taps):
        rows = pixels[np.clip(first + tap, 0, len(pixels) - 1)]
        sums += shares[place, tap][:, None, None] * rows
    return np.clip(sums >> 12, 0, 255)


def box_of(
    size: tuple[int, int], whole: tuple[int, int], fraction: int, orientation: int
) -> tuple[float, float, float, float]:
    """Where the whole picture lies, in pixels of the smaller one: with what was dropped of it."""
    width = size[0] * (whole[0] / fraction) / (whole[0] // fraction)
    height = size[1] * (whole[1] / fraction) / (whole[1] // fraction)
    x = size[0] - width if orientation in (2, 3, 6, 7) else 0.0
    y = size[1] - height if orientation in (3, 4, 7, 8) else 0.0
    return x, y, width, height


def orientation_of(picture: Image.Image) -> int:
    """Of the EXIF block; 1 is upright."""
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif", b""))
        return int(exif.get(0x0112, 1))
    except Exception:
        return 1


def reduction(picture: Image.Image, recipe: Recipe) -> tuple[int, int, int] | None:
    """A smaller size for a large JPEG, never below twice what is wanted, and what it is decoded at.

    libjpeg decodes at a half, a quarter or an eighth at little cost.
    """
    width, height = picture.size
    if recipe.filter == "nearest" or max(width, height) < 6 * min(recipe.width, recipe.height):
        return None
    turned = orientation_of(picture) in (5, 6, 7, 8)
    upright = (height, width) if turned else (width, height)
    wide, high = place(*upright, recipe)[:2]
    across = math.floor(min(3 * wide, upright[0] / 3))
    down = math.floor(min(3 * high, upright[1] / 3))
    if across < 2 * wide or down < 2 * high:
        return None
    shrink = min(upright[0] / across, upright[1] / down)
    fraction = max(f for f in (8, 4, 2, 1) if f <= shrink)
    # just above a power of two one step less
    if fraction > 1 and math.trunc(shrink) == fraction:
        fraction //= 2
    return (down, across, fraction) if turned else (across, down, fraction)


def to_srgb(picture: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """8-bit sRGB without transparency; a profile that comes with the picture is applied."""
    if picture.mode in ("I;16", "I;16L", "I;16B", "I"):
        picture = Image.fromarray(
            (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        )
    profile = picture.info.get("icc_profile")
    alpha: Image.Image | None = None
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        alpha = whole.getchannel("A")
        picture = whole.convert("RGB")
    elif picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    if profile:
        picture = with_profile(picture, profile)
    colours = picture.convert("RGB")
    if alpha is None:
        return colours
    # as libvips does: each level is cut off, not rounded
    share = np.asarray(alpha, np.int64)[..., None]
    laid = (np.asarray(colours, np.int64) * share + np.asarray(background) * (255 - share)) // 255
    return Image.fromarray(laid.astype(np.uint8))


def with_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours by an ICC profile; one that does not fit the picture says nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
`;
