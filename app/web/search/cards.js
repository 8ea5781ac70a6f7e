// Cards to choose from: examples on the first visit, neighbours in the dialog. Text goes in as text, never as markup.
export default function ({ data, parentElement, setTriggerValue }) {
  const shown = JSON.stringify(data);
  const root = parentElement;
  root.__choose = (id) => setTriggerValue("chosen", { id, at: Date.now() });
  if (root.__shown === shown) return;
  root.__shown = shown;
  root.__list?.remove();
  const list = root.__list = element("div", data.kind);
  list.setAttribute("role", "list");
  if (data.label) list.setAttribute("aria-label", data.label);
  for (const card of data.cards) {
    const item = element("div");
    item.setAttribute("role", "listitem");
    const button = element("button", "card");
    button.type = "button";
    if (card.label) button.setAttribute("aria-label", card.label);
    button.addEventListener("click", () => root.__choose(card.id));
    button.append(preview(card), words(card));
    if (data.arrow) button.append(icon("arrow_forward", "card-arrow"));
    item.append(button);
    list.append(item);
  }
  root.append(list);
}

function preview(card) {
  const frame = element("span", "card-preview");
  if (card.src) {
    const image = new Image(72, 72);
    image.loading = "lazy";
    image.alt = card.alt ?? "";
    image.addEventListener("error", () => { frame.classList.add("card-plain"); frame.replaceChildren(icon("broken_image")); });
    image.src = card.src;
    frame.append(image);
  } else if (card.excerpt) {
    frame.classList.add("card-excerpt");
    frame.textContent = card.excerpt;
  } else {
    frame.classList.add("card-plain");
    frame.append(icon("notes"));
  }
  return frame;
}

function words(card) {
  const box = element("span", "card-words");
  const title = element("b");
  if (card.icon) title.append(icon(card.icon));
  const name = element("span");
  name.textContent = card.title;
  title.append(name);
  box.append(title);
  for (const [text, names] of [[card.detail, "card-detail"], [card.flow, "card-flow"]]) {
    if (!text) continue;
    const line = element("span", names);
    line.textContent = text;
    box.append(line);
  }
  return box;
}

function icon(name, names = "") {
  const sign = element("span", `material ${names}`);
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
