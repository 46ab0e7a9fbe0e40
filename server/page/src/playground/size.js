// The size of a file, in words.
export function sizeText(bytes) {
    if (bytes === 1) return "1 byte";
    if (bytes < 10_000) return `${bytes} bytes`;
    const [unit, size] = bytes < 1e6 ? ["kB", 1e3] : ["MB", 1e6];
    return `${+(bytes / size).toPrecision(3)} ${unit}`;
}
