"""Objects for display(): each says what it is by the methods that the kernel asks for."""
import html
import json
import mimetypes
import os
from builtins import display

display()  # the kernel loads its module for it, which has the handles
from codecell_display import DisplayHandle

__all__ = ["Audio", "Code", "DisplayHandle", "DisplayObject", "HTML", "IFrame", "Image", "JSON", "Javascript", "Latex",
           "Markdown", "Math", "Pretty", "SVG", "TextDisplayObject", "Video", "clear_output", "display", "display_html",
           "display_javascript", "display_jpeg", "display_json", "display_latex", "display_markdown", "display_png",
           "display_pretty", "display_svg", "update_display"]


def clear_output(wait=False):
    """Does nothing: what is shown stays."""


def update_display(value, *, display_id, **options):
    display(value, **options)


class DisplayObject:
    """Data from a value, a file or an address."""
    _mode = "r"

    def __init__(self, data=None, url=None, filename=None, metadata=None):
        if isinstance(data, os.PathLike):
            data = str(data)
        if isinstance(data, str) and url is None and data.startswith(("http://", "https://")):
            data, url = None, data
        elif isinstance(data, str) and filename is None and self._is_file(data):
            data, filename = None, data
        self.data, self.url, self.filename, self.metadata = data, url, filename, metadata or {}
        self.reload()

    @staticmethod
    def _is_file(name):
        return False

    def reload(self):
        """Reads the data again."""
        if self.filename is not None:
            with open(self.filename, self._mode, encoding=None if "b" in self._mode else "utf-8") as file:
                self.data = file.read()
        elif self.url is not None and self.data is None:
            from urllib.request import urlopen
            with urlopen(self.url) as answer:
                data = answer.read()
            self.data = data if "b" in self._mode else data.decode("utf-8", "replace")

    def __repr__(self):
        return f"<IPython.core.display.{type(self).__name__} object>"


class TextDisplayObject(DisplayObject):
    """Text of one type."""


class Pretty(TextDisplayObject):
    def __repr__(self):
        return self.data


class HTML(TextDisplayObject):
    def _repr_html_(self):
        return self.data

    def __html__(self):
        return self.data


class Markdown(TextDisplayObject):
    def _repr_markdown_(self):
        return self.data


class Latex(TextDisplayObject):
    def _repr_latex_(self):
        return self.data


class Math(TextDisplayObject):
    def _repr_latex_(self):
        return f"$\\displaystyle {self.data.strip('$')}$"


class SVG(DisplayObject):
    @staticmethod
    def _is_file(name):
        return "<" not in name and os.path.isfile(name)

    def _repr_svg_(self):
        return self.data.decode() if isinstance(self.data, bytes) else self.data


class JSON(DisplayObject):
    def __init__(self, data=None, url=None, filename=None, expanded=False, metadata=None, root="root", **_):
        self.expanded, self.root = expanded, root
        super().__init__(data, url, filename, metadata)

    def reload(self):
        super().reload()
        if (self.filename is not None or self.url is not None) and isinstance(self.data, str):
            self.data = json.loads(self.data)

    def _repr_json_(self):
        return self.data


class Javascript(TextDisplayObject):
    def __init__(self, data=None, url=None, filename=None, lib=None, css=None):
        super().__init__(data, url, filename)

    def _repr_javascript_(self):
        return self.data


class Code(TextDisplayObject):
    def __init__(self, data=None, url=None, filename=None, language=None):
        self.language = language
        super().__init__(data, url, filename)

    def __repr__(self):
        return self.data

    def _repr_html_(self):
        return f"<pre><code>{html.escape(self.data)}</code></pre>"


class IFrame:
    def __init__(self, src, width, height, extras=None, **params):
        from urllib.parse import urlencode
        self.src = f"{src}?{urlencode(params)}" if params else src
        self.width, self.height, self.extras = width, height, extras or []

    def _repr_html_(self):
        extras = "".join(f" {each}" for each in self.extras)
        return (f'<iframe width="{self.width}" height="{self.height}" src="{html.escape(self.src)}" frameborder="0" '
                f"allowfullscreen{extras}></iframe>")


class Image(DisplayObject):
    """A picture: its bytes, a file or an address. An address is shown as HTML, unless `embed` is true."""
    _mode = "rb"
    _kinds = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif"}

    def __init__(self, data=None, url=None, filename=None, format=None, embed=None, width=None, height=None,
                 retina=False, unconfined=False, metadata=None, alt=None):
        self.format, self.embed, self.width, self.height, self.alt = format, embed, width, height, alt
        super().__init__(data, url, filename, metadata)

    @staticmethod
    def _is_file(name):
        return True

    def reload(self):
        if self.url is not None and not self.embed:
            return
        super().reload()
        found = [kind for begin, kind in self._kinds.items() if isinstance(self.data, bytes)
                 and self.data.startswith(begin)]
        if found:
            self.format = found[0]
        elif isinstance(self.data, bytes) and self.data[:4] == b"RIFF" and self.data[8:12] == b"WEBP":
            self.format = "webp"
        self.format = {"jpg": "jpeg", None: "png"}.get(self.format, self.format)

    def _repr_html_(self):
        if self.data is not None:
            return None
        rest = "".join(f' {name}="{html.escape(str(value))}"' for name, value in (
            ("width", self.width), ("height", self.height), ("alt", self.alt)) if value is not None)
        return f'<img src="{html.escape(self.url)}"{rest}/>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {} if self.data is None else {f"image/{self.format}": self.data}


class _Media(DisplayObject):
    _mode = "rb"
    _tag, _mime = "", ""

    def __init__(self, data=None, url=None, filename=None, embed=None, mimetype=None, **_):
        self.mimetype, self.embed = mimetype, embed
        super().__init__(data, url, filename)

    @staticmethod
    def _is_file(name):
        return True

    def reload(self):
        if self.url is None or self.embed:
            super().reload()
        self.mimetype = self.mimetype or mimetypes.guess_type(self.filename or self.url or "")[0] or self._mime

    def _repr_html_(self):
        from base64 import b64encode
        source = self.url
        if self.data is not None:
            source = f"data:{self.mimetype};base64,{b64encode(self.data).decode()}"
        return f'<{self._tag} controls><source src="{html.escape(source)}" type="{self.mimetype}"/></{self._tag}>'


class Video(_Media):
    _tag, _mime = "video", "video/mp4"


class Audio(_Media):
    """A sound: its bytes, a file or an address, or samples with a rate."""
    _tag, _mime = "audio", "audio/wav"

    def __init__(self, data=None, filename=None, url=None, embed=None, rate=None, autoplay=False, normalize=True, **_):
        if rate is not None and not isinstance(data, (bytes, str)) and data is not None:
            data = self._wave(data, rate, normalize)
        super().__init__(data, url, filename, embed)

    @staticmethod
    def _wave(samples, rate, normalize):
        import array
        import io
        import wave
        channels = samples if hasattr(samples[0], "__len__") else [samples]
        most = max((abs(float(each)) for channel in channels for each in channel), default=0) or 1
        scale = 32767 / (most if normalize else 1)
        frames = array.array("h", (int(float(each) * scale) for moment in zip(*channels) for each in moment))
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setparams((len(channels), 2, int(rate), 0, "NONE", "NONE"))
            sound.writeframes(frames.tobytes())
        return file.getvalue()


def _displayer(name, mime):
    def show(*values, raw=False, metadata=None):
        for value in values:
            if raw:
                display({mime: value}, raw=True)
            else:
                display(value, include=["text/plain", mime])

    show.__name__ = show.__qualname__ = name
    return show


display_pretty = _displayer("display_pretty", "text/plain")
display_html = _displayer("display_html", "text/html")
display_markdown = _displayer("display_markdown", "text/markdown")
display_svg = _displayer("display_svg", "image/svg+xml")
display_png = _displayer("display_png", "image/png")
display_jpeg = _displayer("display_jpeg", "image/jpeg")
display_latex = _displayer("display_latex", "text/latex")
display_json = _displayer("display_json", "application/json")
display_javascript = _displayer("display_javascript", "application/javascript")
