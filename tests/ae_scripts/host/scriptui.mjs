/** ScriptUI widgets as a tree that tests can read and press; what a panel closes, dies. */

import { layOut } from "./measure.mjs";

const TYPES = ["progressbar", "group", "panel", "button", "statictext", "edittext", "dropdownlist", "listbox", "checkbox", "slider", "image", "item"];

export function makeScriptUI(host) {
    class ListItem {
        static hostKind = "ListItem";
        static isOpen = true;
        constructor(owner, text) {
            this.owner = owner;
            this.text = text;
        }
        get index() { return this.owner.items.indexOf(this); }
    }

    class Widget {
        static hostKind = "Widget";
        static isOpen = true;
        constructor(type, text, properties) {
            Object.assign(this, { type, text: text ?? "", properties: properties ?? {}, children: [], visible: true, enabled: true });
            Object.assign(this, { alignment: null, preferredSize: null, size: null, minimumSize: null, value: 0, parent: null, chosen: null });
            this.items = [];
            this.onClick = this.onChange = this.onClose = this.onResize = this.onResizing = undefined;
            if (Array.isArray(text) || (text && typeof text === "object" && "length" in text)) {
                this.items = Array.from(text, (each) => new ListItem(this, each));
                this.text = "";
            }
        }
        get layout() { return new Layout(this); }
        get graphics() { return new Graphics(this); }
        get selection() { return this.chosen; }
        set selection(given) {
            const before = this.chosen;
            this.chosen = typeof given === "number" ? this.items[given] ?? null : given;
            if (this.chosen && before !== this.chosen) host.fire(this, "onChange");
        }
        add(type, second, text, properties) {
            if (!TYPES.includes(type)) throw new Error(`ScriptUI has no ${type}.`);
            if (type === "item") {
                const item = new ListItem(this, second);
                this.items.push(item);
                return item;
            }
            const made = new Widget(type, type === "slider" ? "" : text, properties);
            if (type === "slider") made.value = Number(text ?? 0);
            made.parent = this;
            this.children.push(made);
            return made;
        }
        addEventListener(name, action) { this[`on${name}`] = action; }
        notify(event) { host.fire(this, event); }
        removeAll() {
            this.items = [];
            this.chosen = null;
        }
    }

    class Layout {
        static hostKind = "Layout";
        constructor(container) { this.container = container; }
        /** Natural sizes; what is to fill its room gets it from `resize` only. */
        layout() {
            host.layouts += 1;
            layOut(this.container, this.container.size[0], { filled: false });
        }
        resize() {
            host.layouts += 1;
            layOut(this.container, this.container.size[0]);
        }
    }

    class Graphics {
        static hostKind = "ScriptUIGraphics";
        constructor(widget) { this.widget = widget; }
        drawImage(image, left, top, width = image.size[0], height = image.size[1]) {
            this.widget.drawn = { image, left, top, width, height };
        }
    }

    class Window extends Widget {
        static hostKind = "Window";
        static isOpen = true;
        constructor(type, title) {
            super(type, title);
            this.size = [330, 700];
            host.windows.push(this);
        }
        center() { return undefined; }
        show() {
            this.shown = true;
            if (this.type === "dialog") host.onDialog(this);
            return 1;
        }
        close() {
            host.fire(this, "onClose");
            host.kill(this);
        }
    }

    class Panel extends Widget {
        static hostKind = "Panel";
        static isOpen = true;
        constructor() {
            super("panel", "DropKey");
            this.size = [330, 700];
        }
        close() {
            host.fire(this, "onClose");
            host.kill(this);
        }
    }

    host.kill = (widget) => {
        widget.isDead = true;
        widget.children.forEach(host.kill);
    };
    return { Widget, Window, Panel };
}

/** The first widget of `root` that `wanted` accepts. */
export function find(root, wanted) {
    if (wanted(root)) return root;
    for (const child of root.children) {
        const found = find(child, wanted);
        if (found) return found;
    }
    return null;
}
