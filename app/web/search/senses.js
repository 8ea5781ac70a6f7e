// What belongs to the page as a whole: a pasted or dropped picture, keys, the link to copy, and what a reader is told.
const FIELD = ".st-key-txt input";

export default function ({ data, parentElement, setTriggerValue }) {
  const senses = parentElement.__senses ?? (parentElement.__senses = create(parentElement));
  senses.send = setTriggerValue;
  senses.update(data);
  return () => senses.leave();
}

function create(root) {
  const senses = { send: () => {}, words: {} };
  const region = Object.assign(document.createElement("div"), { className: "unheard" });
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  region.id = "uniir-said"; // the grid says there what was found
  root.append(region);
  const overlay = document.createElement("div");
  overlay.className = "dropping";
  overlay.hidden = true;
  const sign = Object.assign(document.createElement("span"), { className: "material", textContent: "add_photo_alternate" });
  sign.setAttribute("aria-hidden", "true");
  const words = document.createElement("b");
  overlay.append(sign, words);
  document.body.append(overlay);
  let depth = 0;

  senses.update = (data) => {
    senses.words = data.words;
    document.body.classList.remove("adding");
  };

  async function add(file) {
    if (file.size > senses.words.limit) { senses.send("picture", { failed: "large", name: file.name, at: Date.now() }); return; }
    document.body.classList.add("adding");
    words.textContent = senses.words.adding;
    overlay.hidden = false;
    let value;
    try {
      const form = new FormData();
      form.append("image", file, file.name || "picture");
      const answer = await fetch(senses.words.target, { method: "POST", body: form });
      const said = await answer.json();
      value = answer.ok ? { id: said.id, width: said.width, height: said.height } : { problem: said };
    } catch {
      value = { failed: "away" };
    }
    overlay.hidden = true;
    document.body.classList.remove("adding");
    const text = document.querySelector(FIELD)?.value ?? ""; // typed and not yet searched for: it comes along
    senses.send("picture", { ...value, text, name: file.name || "", at: Date.now() });
  }

  // The page's own process may go away as well: our words instead of Streamlit's, and the script is run as soon as it is back.
  const lost = document.createElement("div");
  lost.className = "lost";
  lost.setAttribute("role", "alert");
  let away = false;
  let anew = false; // a page that came back knows nothing of the results it finds: the next search is the whole page's
  // A long text opens where it was found; once, so that reading on is left alone.
  function showMarked() {
    const mark = document.querySelector(".u-text:not([data-shown]) mark");
    if (!mark) return;
    const text = mark.closest(".u-text");
    text.dataset.shown = "";
    text.scrollTop += mark.getBoundingClientRect().top - text.getBoundingClientRect().top - text.clientHeight / 3;
  }

  // The open picker is typed into at once, unless somebody is elsewhere already; where a keyboard would cover it, it is not.
  let picker = null;
  function showPicker() {
    const field = document.querySelector(".st-key-picker input");
    if (field === picker) return;
    picker = field;
    const { activeElement: at } = document;
    const free = !at || at.contains(field) || at.closest(".st-key-pick");
    if (field && free && matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
  }

  function onConnection() {
    const state = document.querySelector("[data-test-connection-state]")?.dataset.testConnectionState;
    if (!state) return;
    if (state !== "CONNECTED" && !away) {
      away = true;
      document.body.classList.add("lost-server");
      lost.replaceChildren(...senses.words.lost.map((line, index) => Object.assign(document.createElement(index ? "span" : "b"), { textContent: line })), tryAgain());
      document.body.append(lost);
    } else if (state === "CONNECTED" && away) {
      away = false;
      anew = true;
      document.body.classList.remove("lost-server");
      lost.remove();
      senses.send("awake", Date.now());
    }
  }
  // Streamlit waits longer from try to try. The address holds the whole search, so a page that is loaded anew is the same.
  function tryAgain() {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: senses.words.again });
    button.addEventListener("click", async () => {
      button.disabled = true;
      const answers = await fetch("/_stcore/health").then((answer) => answer.ok, () => false);
      if (answers) { location.reload(); return; }
      lost.children[1].textContent = senses.words.still;
      button.disabled = false;
    });
    return button;
  }

  // A picture that a link names may be kept no longer.
  function mend(image) {
    if (!image.matches?.("img.u-thumb")) return;
    const sign = Object.assign(document.createElement("span"), { className: "u-thumb material", textContent: "broken_image" });
    sign.setAttribute("aria-hidden", "true");
    image.replaceWith(sign);
  }
  const onBroken = (event) => mend(event.target);
  document.querySelectorAll("img.u-thumb").forEach((image) => { if (image.complete && !image.naturalWidth) mend(image); });

  const watching = new MutationObserver(onConnection);
  const reading = new MutationObserver(() => { showMarked(); showPicker(); });
  reading.observe(document.body, { childList: true, subtree: true });
  const app = document.querySelector("[data-test-connection-state]");
  if (app) watching.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });

  const pictures = (list) => [...(list ?? [])].filter((file) => file.type.startsWith("image/"));
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const elsewhere = (event) => event.target.closest?.("[data-testid=stFileUploader]");

  function onPaste(event) {
    const [file] = pictures(event.clipboardData?.files);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    add(file);
  }
  function onEnter(event) {
    if (!carriesFile(event)) return;
    depth += 1;
    words.textContent = senses.words.drop;
    overlay.hidden = false;
  }
  function onLeave(event) {
    if (!carriesFile(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) overlay.hidden = true;
  }
  function onOver(event) {
    if (carriesFile(event) && !elsewhere(event)) event.preventDefault();
  }
  function onDrop(event) {
    if (!carriesFile(event)) return;
    depth = 0;
    overlay.hidden = true;
    if (elsewhere(event)) return;
    event.preventDefault();
    const [file] = pictures(event.dataTransfer.files);
    if (file) add(file);
    else senses.send("picture", { failed: "kind", name: event.dataTransfer.files[0]?.name ?? "", at: Date.now() });
  }
  function onKey(event) {
    const field = document.activeElement;
    const typing = field?.matches?.("input, textarea, select, [contenteditable=true]");
    if (event.key === "Enter" && field?.matches?.(FIELD) && !event.isComposing) {
      setTimeout(() => {
        const go = { text: field.value, at: Date.now() };
        // Where results stand already they take it, and the bar above them need not be drawn again.
        const free = anew || document.dispatchEvent(new CustomEvent("uniir-search", { detail: go, cancelable: true }));
        anew = false;
        if (free) senses.send("go", go);
      }, 0);
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("[role=dialog]")) {
      const text = document.querySelector(FIELD);
      if (text) { text.focus(); text.select(); event.preventDefault(); }
    }
  }
  async function onClick(event) {
    const opens = [[".st-key-choose_another button", ".st-key-pic button"], [".st-key-choose_instruction button", ".st-key-pick button"]];
    for (const [pressed, opened] of opens) {
      if (event.target.closest?.(pressed)) setTimeout(() => document.querySelector(opened)?.click(), 300);
    }
    if (!event.target.closest?.(".st-key-copylink button, .st-key-copydocument button")) return;
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value: location.href });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  }
  const listening = [["paste", onPaste, true], ["dragenter", onEnter], ["dragleave", onLeave], ["dragover", onOver], ["drop", onDrop], ["keydown", onKey], ["click", onClick], ["error", onBroken, true]];
  listening.forEach(([name, act, early]) => document.addEventListener(name, act, early ?? false));
  senses.leave = () => {
    listening.forEach(([name, act, early]) => document.removeEventListener(name, act, early ?? false));
    overlay.remove();
    lost.remove();
    watching.disconnect();
    reading.disconnect();
  };
  return senses;
}
