// The result grid. Tiles are keyed by document and kept between runs; all text goes in as text, never as markup.
const WHITE = 244;
const FORGET = "forget";
const THUMBS = new Set(["fits", "fails", FORGET]);

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement;
  const grid = root.__grid ?? (root.__grid = create(root));
  grid.tell = (acts) => setTriggerValue("act", { acts });
  grid.search = (words) => setTriggerValue("go", words);
  grid.update(data);
  return () => grid.leave();
}

function create(root) {
  const list = element("div", "ug");
  list.setAttribute("role", "list");
  root.append(list);
  const tiles = new Map();
  const grid = { tell: () => {}, search: () => {}, words: {} };
  let menu = null;
  let thumbs = []; // not heard yet: of two acts while the server is at work it hears the later one, so they go along with that

  grid.send = (kind, id) => {
    const act = { kind, id, at: performance.now() };
    grid.tell([...thumbs, act]);
    if (THUMBS.has(kind)) thumbs.push(act);
  };

  grid.update = (data) => {
    grid.words = data.words;
    const region = document.getElementById("uniir-said");
    if (region && grid.said !== data.said.at) {
      grid.said = data.said.at;
      region.textContent = data.said.words;
    }
    list.setAttribute("aria-label", data.words.list);
    const wanted = new Set(data.tiles.map((tile) => tile.id));
    const focused = document.activeElement?.closest?.(".ug-tile")?.dataset.id;
    for (const [id, node] of tiles) {
      if (!wanted.has(id)) { node.remove(); tiles.delete(id); }
    }
    const order = [];
    data.tiles.forEach((tile, index) => {
      if (data.divider && data.divider.before === index) order.push(divider(data.divider));
      let node = tiles.get(tile.id);
      if (!node) { node = newTile(tile); tiles.set(tile.id, node); }
      setTile(node, tile);
      order.push(node);
    });
    list.querySelectorAll(".ug-divider").forEach((node) => node.remove());
    order.forEach((node, index) => { if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null); });
    thumbs = thumbs.filter((act) => act.at > data.heard);
    for (const act of thumbs) if (tiles.has(act.id)) press(tiles.get(act.id), act.kind === FORGET ? null : act.kind);
    if (thumbs.length) setTimeout(() => { if (thumbs.length) grid.tell(thumbs); }, 0);
    rove(tiles.get(focused) ?? list.querySelector(".ug-tile"));
    if (focused && tiles.has(focused) && !list.contains(document.activeElement)) tiles.get(focused).open.focus({ preventScroll: true });
  };

  function newTile(tile) {
    const node = element("article", "ug-tile");
    node.dataset.id = tile.id;
    node.setAttribute("role", "listitem");
    const open = node.open = element("button", "ug-open");
    open.type = "button";
    open.id = `ug-${tile.id}`;
    open.tabIndex = -1;
    open.addEventListener("click", () => grid.send("open", tile.id));
    open.addEventListener("focus", () => rove(node));
    node.setAttribute("aria-labelledby", open.id);
    node.media = element("div", "ug-media");
    node.foot = element("div", "ug-foot");
    node.names = element("div", "ug-names");
    node.title = "";
    node.names.dir = "auto";
    node.name = element("b");
    node.file = element("span", "ug-muted");
    node.names.append(node.name, node.file);
    node.line = element("div", "ug-line");
    node.facts = element("span", "ug-facts");
    node.thumbs = element("span", "ug-thumbs");
    node.fits = thumb(node, "thumb_up", "fits");
    node.fails = thumb(node, "thumb_down", "fails");
    node.thumbs.append(node.fits, node.fails);
    node.line.append(node.facts, node.thumbs);
    node.foot.append(node.names, node.line);
    const actions = element("div", "ug-actions");
    const more = action("image_search", grid.words.more, () => grid.send("more", tile.id));
    const other = action("more_horiz", grid.words.menu, () => toggleMenu(node, other));
    other.setAttribute("aria-haspopup", "menu");
    other.setAttribute("aria-expanded", "false");
    actions.append(more, other);
    node.actions = actions;
    node.append(open, node.media, node.foot, actions);
    return node;
  }

  function setTile(node, tile) {
    node.open.setAttribute("aria-label", tile.label);
    node.tile = tile;
    const shown = JSON.stringify([tile.kind, tile.src, tile.text, tile.badge, tile.half]);
    if (node.shown !== shown) { node.shown = shown; setMedia(node, tile); }
    node.name.textContent = tile.title;
    node.file.textContent = tile.file && tile.file !== tile.title ? ` ${tile.file}` : "";
    node.names.title = tile.path;
    node.facts.replaceChildren(...foot(tile));
    press(node, tile.thumb);
  }

  function setMedia(node, tile) {
    const kind = tile.half ? "pair" : tile.kind;
    node.className = `ug-tile ug-${kind}`;
    const badge = element("span", kind === "text" ? "ug-caption" : "ug-badge");
    badge.append(icon(tile.icon), document.createTextNode(tile.badge));
    const parts = [];
    if (tile.src) parts.push(picture(tile));
    if (tile.half?.src) parts.push(withLabel(picture(tile.half), tile.half.label));
    if (kind !== "picture") {
      const words = element("div", "ug-words");
      const text = element("p");
      text.dir = "auto";
      text.textContent = tile.half?.text ?? tile.text;
      if (kind === "text") words.append(badge);
      if (tile.half?.text !== undefined) withLabel(words, tile.half.label);
      words.append(text);
      parts.push(words);
    }
    if (kind !== "text") parts.push(badge);
    node.media.replaceChildren(...parts);
  }

  function picture(tile) {
    const frame = element("div", "ug-picture");
    const image = new Image(tile.width || 256, tile.height || 256);
    image.loading = "lazy";
    image.decoding = "async";
    image.alt = tile.alt;
    image.addEventListener("load", () => { if (hasWhiteGround(image)) frame.classList.add("ug-white"); });
    image.addEventListener("error", () => {
      frame.classList.add("ug-missing");
      const words = element("span");
      words.textContent = grid.words.missing;
      frame.replaceChildren(icon("broken_image"), words);
    });
    image.src = tile.src;
    frame.append(image);
    return frame;
  }

  function withLabel(box, label) {
    const note = element("span", "ug-half");
    note.textContent = label;
    box.append(note);
    return box;
  }

  function thumb(node, name, kind) {
    const button = element("button", "ug-thumb");
    button.type = "button";
    button.tabIndex = -1;
    button.append(icon(name));
    button.addEventListener("click", () => judge(node, kind));
    return button;
  }

  function judge(node, kind) {
    const wanted = node.tile.thumb === kind ? null : kind;
    press(node, wanted);
    grid.send(wanted ?? FORGET, node.dataset.id);
  }

  function press(node, given) {
    node.tile.thumb = given;
    for (const kind of ["fits", "fails"]) {
      const on = given === kind;
      const label = grid.words[kind];
      node[kind].setAttribute("aria-pressed", String(on));
      node[kind].setAttribute("aria-label", label);
      node[kind].title = on ? `${label}: ${grid.words.back}` : label;
    }
  }

  function action(name, label, act) {
    const button = element("button", "ug-action");
    button.type = "button";
    button.tabIndex = -1;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.append(icon(name));
    button.addEventListener("click", act);
    return button;
  }

  function toggleMenu(node, button) {
    const was = menu?.node === node;
    closeMenu();
    if (was) return;
    const box = element("div", "ug-menu");
    box.setAttribute("role", "menu");
    const items = [];
    if (node.tile.src) items.push(["add_photo_alternate", grid.words.picture, () => grid.send("picture", node.tile.id)]);
    items.push(["link", grid.words.copy, () => copyLink(node.tile.id)]);
    items.push(["open_in_new", grid.words.original, () => window.open(node.tile.original, "_blank", "noopener")]);
    for (const [name, label, act] of items) {
      const item = element("button", "ug-item");
      item.type = "button";
      item.setAttribute("role", "menuitem");
      item.append(icon(name), document.createTextNode(label));
      item.addEventListener("click", () => { closeMenu(); button.focus({ preventScroll: true }); act(); });
      box.append(item);
    }
    node.actions.append(box);
    button.setAttribute("aria-expanded", "true");
    menu = { node, box, button };
    box.firstChild.focus({ preventScroll: true });
  }

  function closeMenu() {
    menu?.box.remove();
    menu?.button.setAttribute("aria-expanded", "false");
    menu = null;
  }

  async function copyLink(id) {
    const address = new URL(location.href);
    address.searchParams.set("document", id);
    await copy(address.href);
    grid.send("copied", id);
  }

  function rove(node) {
    if (!node) return;
    list.querySelectorAll(".ug-open[tabindex='0']").forEach((open) => { if (open !== node.open) setStops(open.closest(".ug-tile"), -1); });
    setStops(node, 0);
  }

  function setStops(node, stop) {
    node.open.tabIndex = stop;
    node.querySelectorAll(".ug-action, .ug-thumb").forEach((button) => { button.tabIndex = stop; });
  }

  function onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (menu) {
      const items = [...menu.box.children];
      const at = items.indexOf(document.activeElement);
      if (event.key === "Escape") { const { button } = menu; closeMenu(); button.focus(); event.preventDefault(); event.stopPropagation(); return; }
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
        event.preventDefault();
        return;
      }
    }
    const node = document.activeElement?.closest?.(".ug-tile");
    if (!node || !list.contains(node)) return;
    const all = [...list.querySelectorAll(".ug-tile")];
    const next = target(all, all.indexOf(node), event.key);
    if (next) {
      rove(next);
      next.open.focus();
      next.scrollIntoView({ block: "nearest" });
      event.preventDefault();
    } else if (event.key === "m" && document.activeElement === node.open) {
      grid.send("more", node.dataset.id);
      event.preventDefault();
    } else if ((event.key === "+" || event.key === "-") && document.activeElement === node.open) {
      judge(node, event.key === "+" ? "fits" : "fails");
      event.preventDefault();
    }
  }

  function onPress(event) {
    if (menu && !menu.node.actions.contains(event.target)) closeMenu();
  }

  function onSearch(event) {
    if (!list.isConnected) return;
    event.preventDefault();
    grid.search(event.detail);
  }

  root.addEventListener("keydown", onKey);
  document.addEventListener("pointerdown", onPress);
  document.addEventListener("uniir-search", onSearch);
  grid.leave = () => {
    document.removeEventListener("pointerdown", onPress);
    document.removeEventListener("uniir-search", onSearch);
  };
  return grid;
}

function foot(tile) {
  const place = element("b", "ug-place");
  place.textContent = tile.place;
  const parts = [place];
  if (tile.change) {
    const change = element("span", tile.change.up > 0 ? "ug-change ug-up" : "ug-change");
    change.title = tile.change.tip;
    change.append(icon(tile.change.up > 0 ? "arrow_upward" : "arrow_downward"), document.createTextNode(Math.abs(tile.change.up)));
    parts.push(change);
  }
  const band = element("span", "ug-band");
  band.title = tile.tip;
  if (tile.band) {
    const bars = element("i", "ug-bars");
    bars.setAttribute("aria-hidden", "true");
    for (let bar = 1; bar <= 3; bar += 1) bars.append(element("i", bar <= tile.band.level ? "ug-on" : ""));
    band.append(bars, document.createTextNode(tile.band.word));
  } else {
    band.textContent = tile.score;
  }
  parts.push(band);
  return parts;
}

function divider({ title, detail }) {
  const row = element("div", "ug-divider");
  row.setAttribute("role", "presentation");
  const words = element("b");
  words.textContent = title;
  const muted = element("span", "ug-muted");
  muted.textContent = detail;
  row.append(words, muted, element("i"));
  return row;
}

function target(all, at, key) {
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const here = all[at].getBoundingClientRect();
  const rows = all.map((node) => node.getBoundingClientRect());
  const beyond = (box) => (key === "ArrowDown" ? box.top > here.top + 4 : box.top < here.top - 4);
  const tops = rows.filter(beyond).map((box) => box.top);
  if (!tops.length) return undefined;
  const top = key === "ArrowDown" ? Math.min(...tops) : Math.max(...tops);
  let best;
  rows.forEach((box, index) => {
    if (Math.abs(box.top - top) > 4) return;
    const away = Math.abs(box.left - here.left);
    if (!best || away < best.away) best = { away, node: all[index] };
  });
  return best?.node;
}

function hasWhiteGround(image) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  try {
    pen.drawImage(image, 0, 0, 16, 16);
    return [[0, 0], [15, 0], [0, 15], [15, 15]].every(([x, y]) => [...pen.getImageData(x, y, 1, 1).data.slice(0, 3)].every((part) => part >= WHITE));
  } catch {
    return false;
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = element("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

function icon(name) {
  const sign = element("span", "material");
  sign.setAttribute("aria-hidden", "true");
  sign.setAttribute("translate", "no");
  sign.textContent = name;
  return sign;
}

function element(tag, names = "") {
  const node = document.createElement(tag);
  if (names) node.className = names;
  return node;
}
