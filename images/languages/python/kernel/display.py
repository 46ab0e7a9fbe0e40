"""Rich values: the bundles of data that a value offers by the conventions of IPython, display(), and Matplotlib's
figures. kernel.py gives this module two functions: publish(entries) sends a bundle, note(sentence) a warning."""
import binascii
import json
import sys
import traceback

# In the order in which a bundle has them. A JPEG beside a PNG would be the same picture again.
METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
    "application/pdf": "_repr_pdf_",
}
TEXTS = ("image/svg+xml", "application/javascript")
NOBODY_HAS_IT = "_ipython_canary_method_should_not_exist_"  # an object that has it has every name

shown = []  # the figures that this cell has displayed by name


def method_of(value, name):
    if isinstance(value, type):
        return None
    try:
        method = getattr(value, name, None)
        return method if callable(method) and not callable(getattr(value, NOBODY_HAS_IT, None)) else None
    except Exception:
        return None


def call(method, **arguments):
    """What the method returns, without metadata. An exception is printed, and no data is there."""
    try:
        data = method(**arguments)
    except NotImplementedError:
        return None
    except Exception as problem:
        traceback.print_exception(problem.with_traceback(problem.__traceback__.tb_next))
        return None
    return data[0] if isinstance(data, tuple) and len(data) == 2 else data


def is_text(mime):
    return mime.startswith("text/") or mime in TEXTS


def encoded(mime, data):
    """The bytes of a datum; None if it has none of its type."""
    if mime == "application/json" or mime.endswith("+json"):
        try:
            return json.dumps(data, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as problem:
            note(f"The value's {mime} was left out: {problem}")
            return None
    if isinstance(data, (bytes, bytearray, memoryview)):
        if not is_text(mime):
            return binascii.b2a_base64(data, newline=False)
        return bytes(data).decode("utf-8", "replace").encode()
    if isinstance(data, str):
        text = data if is_text(mime) else data.replace("\n", "")
        return text.encode("utf-8", "backslashreplace")
    note(f"The value's {mime} was left out: it is neither text nor bytes")
    return None


def is_figure(value):
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def figure_png(figure):
    """The picture as bytes; None of an empty figure."""
    from io import BytesIO

    if not figure.axes and not figure.lines and not figure.texts and not figure.images and not figure.patches:
        return None
    if figure.canvas is None or not hasattr(figure.canvas, "print_png"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        FigureCanvasAgg(figure)
    file = BytesIO()
    figure.canvas.print_figure(file, format="png", bbox_inches="tight", dpi=figure.dpi, facecolor=figure.get_facecolor(),
                               edgecolor=figure.get_edgecolor())
    return file.getvalue()


def bundle_of(value, include=None, exclude=None):
    """{MIME type: data} of what a value offers; None if it has displayed itself."""
    method = method_of(value, "_ipython_display_")
    if method is not None:
        try:
            method()
            return None
        except NotImplementedError:
            pass
    bundle = {}
    method = method_of(value, "_repr_mimebundle_")
    if method is not None:
        data = call(method, include=include, exclude=exclude)
        if isinstance(data, dict):
            bundle.update(data)
    if is_figure(value):
        shown.append(value)
        bundle.setdefault("image/png", figure_png(value))
    for mime, name in METHODS.items():
        if bundle.get(mime) is None and not (mime == "image/jpeg" and bundle.get("image/png") is not None):
            method = method_of(value, name)
            if method is not None:
                bundle[mime] = call(method)
    return {mime: data for mime, data in bundle.items() if data is not None and isinstance(mime, str)}


def entries_of(value, plain):
    """The value's bundle, encoded; `plain`: its text/plain, if it gives none itself."""
    bundle = bundle_of(value)
    return [] if bundle is None else encoded_all({"text/plain": plain, **bundle})


def encoded_all(bundle):
    pairs = [(mime, encoded(mime, data)) for mime, data in bundle.items()]
    return [(mime, data) for mime, data in pairs if data is not None]


def chosen(bundle, include, exclude):
    return {mime: data for mime, data in bundle.items()
            if (include is None or mime in include) and (exclude is None or mime not in exclude)}


class DisplayHandle:
    """What display() with a display_id returns. What is shown already stays, so an update is shown after it."""

    def __init__(self, display_id=None):
        self.display_id = display_id if display_id is not None else f"{id(self):x}"

    def __repr__(self):
        return f"<DisplayHandle display_id={self.display_id}>"

    def display(self, value, **options):
        display(value, **options)

    update = display


def display(*values, include=None, exclude=None, metadata=None, transient=None, display_id=None, raw=False, clear=False,
            **_):
    """Shows values: as HTML, a picture or text, by what they offer. raw: they are dicts of MIME types and data."""
    for value in values:
        if raw:
            bundle = value
        else:
            bundle = bundle_of(value, include, exclude)
            if bundle is not None and "text/plain" not in bundle:
                bundle = {"text/plain": repr(value), **bundle}
        if bundle is not None:
            entries = encoded_all(chosen(bundle, include, exclude))
            if entries:
                publish(entries)
    return DisplayHandle(None if display_id is True else display_id) if display_id else None


def show_figures():
    """Shows and closes the figures of pyplot, except those that were displayed by name."""
    from matplotlib import pyplot
    from matplotlib._pylab_helpers import Gcf
    try:
        for manager in sorted(Gcf.get_all_fig_managers(), key=lambda manager: manager.num):
            figure = manager.canvas.figure
            if not any(figure is each for each in shown):
                png = figure_png(figure)
                if png is not None:
                    publish(encoded_all({"text/plain": repr(figure), "image/png": png}))
    finally:
        pyplot.close("all")
        shown.clear()


def prepare_pyplot(pyplot):
    def show(*args, **kwargs):
        """Display all open figures."""
        show_figures()

    pyplot.show = show
