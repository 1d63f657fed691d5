// Parses images with a Kaitai Struct specification, using Kaitai's own compiler and runtime.
//
//   node dump.mjs SPEC.ksy < jobs > records
//
// A job is one line of JSON: {file, revision, arch, old_abi, page_size}. The answer is one line
// for each record, {record, offset, type, len, tag, layout, fields}, and one for the end of the
// image, {end, error, trailing}. A field is [C name or "", offset in the record, bytes, value];
// integers are decimal strings, bytes {hex: digits}, arrays and structures are nested.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parse } from "yaml";

const require = createRequire(import.meta.url);
const { KaitaiStream } = require("kaitai-struct");
const compiler = require("kaitai-struct-compiler");

// The runtime returns 64-bit integers as floating point; the position it reads from and the
// number of bytes it takes stay its own.
for (const [name, little] of [["le", true], ["be", false]]) {
  for (const sign of ["U", "S"]) {
    const method = `read${sign}8${name}`;
    const original = KaitaiStream.prototype[method];
    KaitaiStream.prototype[method] = function () {
      const at = this.pos;
      original.call(this);
      return this._dataView[sign === "U" ? "getBigUint64" : "getBigInt64"](at, little);
    };
  }
}

const camel = (id) => id.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
const pascal = (id) => camel(`_${id}`);

/** Types of the specification by the name of the class that the compiler makes of them. */
function collectTypes(spec, found = new Map()) {
  for (const [id, type] of Object.entries(spec.types ?? {})) {
    found.set(pascal(id), type);
    collectTypes(type, found);
  }
  return found;
}

async function load(path) {
  const spec = parse(readFileSync(path, "utf8"));
  const files = await compiler.compile("javascript", spec, null, true);
  const module = { exports: {} };
  new Function("exports", "require", "module", Object.values(files)[0])(module.exports, require, module);
  return { LinuxCr: module.exports.LinuxCr ?? module.exports, types: collectTypes(spec), spec };
}

const hex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

function value(it, debug, start, types) {
  if (it instanceof Uint8Array) return { hex: hex(it) };
  if (Array.isArray(it)) return it.map((one, i) => value(one, debug.arr[i], debug.arr[i].start, types));
  if (typeof it === "object") return fields(it, start, types);
  return String(it);
}

/** What the compiled class read, with the C names of the specification. */
function fields(object, base, types) {
  const type = types.get(object.constructor.name);
  const list = [];
  for (const attribute of type.seq) {
    const name = camel(attribute.id);
    const debug = object._debug[name];
    const { start, end } = debug;
    list.push([attribute["-orig-id"] ?? (attribute.id === "trailing" ? "trailing" : ""), start - base, end - start,
      value(object[name], debug, start, types)]);
  }
  for (const [id, instance] of Object.entries(type.instances ?? {})) {
    if (!("pos" in instance)) continue;
    const it = object[camel(id)];
    const { start, end } = object._debug[`_m_${camel(id)}`];
    list.push([instance["-orig-id"], start - base, end - start, value(it, null, start, types)]);
  }
  return list;
}

function dump(job, { LinuxCr, types }) {
  const stream = new KaitaiStream(readFileSync(job.file));
  const image = new LinuxCr(stream, null, null, job.revision, job.arch, job.old_abi, job.page_size);
  let error = null;
  try {
    image._read();
  } catch (e) {
    error = String(e.message ?? e);
  }
  const records = image.stream?.records ?? [];
  for (const [i, record] of records.entries()) {
    const offset = image.stream._debug.records.arr[i].start;
    if (record._debug.body?.end === undefined) break;
    const body = record.body;
    const opaque = body instanceof Uint8Array;
    print({
      record: i, offset, type: record.type, len: record.len,
      tag: LinuxCr.Tag[record.tag] ?? null,
      layout: LinuxCr.Layout[record.layout],
      raw_page: record.rawPage?.length ?? 0,
      fields: opaque ? { hex: hex(body) } : fields(body, 0, types),
    });
  }
  print({ end: records.length, error, trailing: image.stream?.trailing?.length ?? 0 });
}

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const parser = await load(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  dump(JSON.parse(line), parser);
}
