// A program and how it should run, as the API's JSON.

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

export function bytesOf(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function fileOf([path, content]) {
  return typeof content === "string"
    ? { path, content }
    : { path, content: base64(new Uint8Array(content)), encoding: "base64" };
}

// `files` may be an object of path to text or bytes, or a list of the API's own {path, content, encoding}.
export function bodyOf(request) {
  const { files, ...fields } = request;
  if (files === undefined) return fields;
  return { ...fields, files: Array.isArray(files) ? files : Object.entries(files).map(fileOf) };
}

// How long the program may run, in seconds.
export function patienceOf(requests) {
  return Math.max(...requests.map((request) => request.timeout ?? 30), 0);
}
