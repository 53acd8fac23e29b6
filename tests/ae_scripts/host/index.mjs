/** A simulated After Effects: it behaves as the real one is documented and measured to, and runs the bundled panel. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Border, isEdit } from "./calls.mjs";
import { makeDisk } from "./disk.mjs";
import { History } from "./history.mjs";
import { AlphaMode, FieldSeparationType, FileSource, makeFootage, PulldownPhase, readHeader, SolidSource } from "./footage.mjs";
import { BlendingMode, LayerQuality, makeLayers, TrackMatteType } from "./layers.mjs";
import { makeNetwork } from "./network.mjs";
import { MaskMode } from "./properties.mjs";
import { GetSettingsFormat, HIDDEN, makeQueue, RQItemStatus, VISIBLE, WORST } from "./queue.mjs";
import { makeRealm, realmList, runIn } from "./realm.mjs";
import { find, makeScriptUI } from "./scriptui.mjs";

const ImportAsType = { COMP_CROPPED_LAYERS: 1, FOOTAGE: 2, COMP: 3, PROJECT: 4 };
const PREFType = { PREF_Type_MACHINE_SPECIFIC: 1, PREF_Type_MACHINE_INDEPENDENT: 2 };
// Milliseconds of After Effects that calls take where thousands of them add up: paths are evaluated slowly.
const COST = { "Property.valueAtTime": 5 };
const SECURITY = "Pref_SCRIPTING_FILE_NETWORK_SECURITY";

/** The lists of the project, as one object whose fields Undo puts back. */
class Roots {
    static hostKind = "Roots";
    constructor(host) {
        Object.defineProperty(this, "items", { enumerable: true, get: () => host.items, set: (items) => { host.items = items; } });
        Object.defineProperty(this, "queue", { enumerable: true, get: () => host.rawQueue.list, set: (list) => { host.rawQueue.list = list; } });
    }
}

export class Host {
    constructor(options = {}) {
        this.root = options.root ?? fs.mkdtempSync(path.join(os.tmpdir(), "dropkey-ae-"));
        this.version = options.version ?? 26;
        this.border = new Border();
        this.clock = { offset: 0, now: () => Date.now() + this.clock.offset, advance: (ms) => { this.clock.offset += ms; } };
        this.permission = options.permission ?? true;
        this.decomposes = options.decomposes ?? false;
        this.opened = 0; // files
        this.preferenceSections = options.preferenceSections ?? ["Main Pref Section v2"];
        Object.assign(this, { readOnly: false, diskFull: false, stopAfter: null, inTask: false, modalOpen: false, sequenceRate: 30 });
        Object.assign(this, { writes: [], executed: [], commands: [], systemCalls: [], alerts: [], modals: [], warnings: [], renders: [], windows: [], taskErrors: [] });
        Object.assign(this, { layouts: 0, looseEdits: [], slept: 0, color: -1, chosenFolder: null, onDialog: () => undefined });
        this.shift = false;
        this.pixelAt = () => [0, 0.5, 0.25, 1]; // what an expression samples out of the comp
        this.language = "en";
        this.menu = {};
        this.renderDefaults = { ...WORST };
        this.visibleTemplates = { ...VISIBLE };
        this.hiddenTemplates = { ...HIDDEN };
        this.ownTemplates = {};
        this.missingTemplates = new Set();
        this.movies = new Map();
        this.tasks = new Map();
        this.settings = new Map();
        this.environment = options.environment ?? {};
        this.osName = options.os ?? "Macintosh OS 14.5.0/64";
        this.ids = 100;
        this.folders = Object.fromEntries(["temp", "userData", "documents"].map((name) => [name, path.join(this.root, name)]));
        Object.values(this.folders).forEach((folder) => fs.mkdirSync(folder, { recursive: true }));
        this.history = new History(() => [this.project, ...this.items, ...this.rawQueue.list, this.roots]);
        this.roots = new Roots(this);
        this.#build();
    }

    get undoDepth() { return this.history.depth; }
    get undoSteps() { return this.history.groups; }

    nextId() {
        this.ids += 1;
        return this.ids;
    }

    #build() {
        this.context = makeRealm(this.clock);
        this.border.toRealm = (list) => realmList(this.context, list);
        this.border.onStep = (name) => {
            this.clock.advance(COST[name] ?? 0);
            if (this.undoDepth > 0 || !isEdit(name)) return;
            this.looseEdits.push(name);
            this.history.loose(name);
        };
        this.disk = makeDisk(this);
        const { Socket, network } = makeNetwork(this);
        this.network = network;
        const host = this;

        class Item {
            static hostKind = "Item";
            constructor() { Object.assign(this, { id: host.nextId(), name: "", comment: "", parentFolder: null, selected: false, label: 1 }); }
            remove() {
                host.items.splice(host.items.indexOf(this), 1);
                host.rawQueue.list = host.rawQueue.list.filter((item) => item.comp !== this); // a comp's renders go with it
                this.isDead = true;
            }
        }
        class FolderItem extends Item { static hostKind = "FolderItem"; }
        const FootageItem = makeFootage(this, Item);
        const kinds = makeLayers(this, Item);
        const { RenderQueue } = makeQueue(this);
        this.items = [];
        this.rawQueue = new RenderQueue();
        this.classes = { Item, FolderItem, FootageItem, ...kinds };

        class ItemCollection {
            static hostKind = "ItemCollection";
            get length() { return host.items.length; }
            addComp(...given) { return host.keep(new kinds.CompItem(...given)); }
            addFolder(name) {
                const folder = host.keep(new FolderItem());
                folder.name = name;
                return folder;
            }
        }
        class Project {
            static hostKind = "Project";
            constructor() {
                Object.assign(this, { bitsPerChannel: 32, workingSpace: "", workingGamma: 2.2, linearizeWorkingSpace: false, linearBlending: false });
                Object.assign(this, { activeItem: null, saved: null, xmp: "<?xpacket?><x:xmpmeta><rdf:RDF></rdf:RDF></x:xmpmeta>" });
                if (host.ocio !== undefined) this.colorManagementSystem = host.ocio;
            }
            get file() { return this.saved ? new host.disk.File(this.saved) : null; }
            get items() { return new ItemCollection(); }
            get numItems() { return host.items.length; }
            get xmpPacket() { return this.xmp; }
            /** What is no XMP is refused; what is, comes back in another form of the same. */
            set xmpPacket(text) {
                if (!/<\/rdf:RDF>\s*<\/x:xmpmeta>/.test(text)) throw new Error("After Effects error: this is no XMP.");
                this.xmp = text.replace(/<dropkey:project>([^<]*)<\/dropkey:project>/, (_all, mark) => `<rdf:li project="${mark}"/>`);
            }
            get revision() { return host.version < 16 ? undefined : host.history.revision; }
            get renderQueue() { return host.rawQueue; }
            item(index) { return host.items[index - 1]; }
            itemByID(id) {
                const found = host.items.find((item) => item.id === id);
                if (!found) throw new Error(`After Effects error: there is no item ${id}.`);
                return found;
            }
            importFile(options) {
                const item = new FootageItem();
                item.read(options.file, options.sequence);
                return host.keep(item);
            }
        }
        class ImportOptions {
            static hostKind = "ImportOptions";
            constructor(file) { Object.assign(this, { file, sequence: false, forceAlphabetical: true, importAs: ImportAsType.FOOTAGE }); }
            canImportAs(type) { return type === ImportAsType.FOOTAGE; }
        }
        class Application {
            static hostKind = "Application";
            get version() { return `${host.version}.0x1`; }
            get project() { return host.project; }
            get settings() { return host.rawSettings; }
            get preferences() { return host.rawPreferences; }
            beginUndoGroup(name) { host.history.begin(name); }
            endUndoGroup() { host.history.end(); }
            findMenuCommandId(name) { return host.language === "en" ? host.menu[name] ?? 0 : 0; }
            executeCommand(id) { host.commands.push(id); }
            scheduleTask(code, delay, repeat) {
                const id = host.nextId();
                host.tasks.set(id, { code, delay, repeat });
                return id;
            }
            cancelTask(id) { host.tasks.delete(id); }
        }
        class SettingsStore {
            static hostKind = "Settings";
            haveSetting(section, key) { return host.settings.has(`${section}/${key}`); }
            getSetting(section, key) { return host.settings.get(`${section}/${key}`); }
            saveSetting(section, key, value) {
                if (Buffer.byteLength(value) > 1999) throw new Error("After Effects error: the setting is too long.");
                host.settings.set(`${section}/${key}`, value);
            }
        }
        class Preferences {
            static hostKind = "Preferences";
            getPrefAsLong(section, key, type) {
                if (key !== SECURITY || !host.preferenceSections.includes(section)) throw new Error("After Effects error: no such preference.");
                if (section.endsWith("v2") && type !== PREFType.PREF_Type_MACHINE_INDEPENDENT) throw new Error("After Effects error: wrong type.");
                return host.permission ? 1 : 0;
            }
        }
        class Dollar {
            static hostKind = "$";
            get os() { return host.osName; }
            get global() { return host.context; }
            getenv(name) { return host.environment[name] ?? null; }
            sleep(ms) { host.slept += ms; host.clock.advance(ms); }
            colorPicker() { return host.color; }
            writeln() { return undefined; }
        }
        class System {
            static hostKind = "System";
            get osName() { return host.osName.startsWith("Windows") ? "" : "MacOS"; }
            callSystem(command) { host.systemCalls.push(command); host.called?.(command); return ""; }
        }
        class ScriptUITools {
            static hostKind = "ScriptUI";
            get environment() { return { keyboardState: { shiftKey: host.shift } }; }
            newImage(file) {
                if (!file.exists) throw new Error("ScriptUI: the picture is not there.");
                return new ScriptUIImage(file);
            }
        }
        class ScriptUIImage {
            static hostKind = "ScriptUIImage";
            constructor(file) {
                const { width, height } = readHeader(file.real);
                Object.assign(this, { picture: file.fsName, size: [width, height] });
            }
        }
        const widgets = makeScriptUI(this);
        this.classes.Project = Project;
        this.firstId = this.ids;
        this.project = new Project();
        this.rawSettings = new SettingsStore();
        this.rawPreferences = new Preferences();
        this.Panel = widgets.Panel;
        const wrapped = (object) => this.border.out(object);
        const open = (Class) => this.border.constructible(Class);
        Object.assign(this.context, {
            app: wrapped(new Application()), $: wrapped(new Dollar()), system: wrapped(new System()), ScriptUI: wrapped(new ScriptUITools()),
            File: open(this.disk.File), Folder: open(this.disk.Folder), Socket: open(Socket), ImportOptions: open(ImportOptions),
            Window: open(widgets.Window), Panel: open(widgets.Panel), FileSource: open(FileSource), SolidSource: open(SolidSource),
            FolderItem: open(FolderItem), FootageItem: open(FootageItem), CompItem: open(kinds.CompItem), AVLayer: open(kinds.AVLayer),
            TextLayer: open(kinds.TextLayer), ShapeLayer: open(kinds.ShapeLayer), CameraLayer: open(kinds.CameraLayer), LightLayer: open(kinds.LightLayer),
            AlphaMode, ImportAsType, FieldSeparationType, PulldownPhase, RQItemStatus, GetSettingsFormat, BlendingMode, LayerQuality, MaskMode, TrackMatteType, PREFType,
            alert: (text) => { this.alerts.push(text); },
        });
    }

    keep(item) {
        this.items.push(item);
        return item;
    }

    /** Opens another project, whose items get the numbers that those of the first had; returns what goes back to it. */
    openAnother(saved = null) {
        const before = { project: this.project, items: this.items, queue: this.rawQueue.list, ids: this.ids };
        this.project = new this.classes.Project();
        this.project.saved = saved;
        this.items = [];
        this.rawQueue.list = [];
        this.ids = this.firstId;
        return () => {
            Object.assign(this, { project: before.project, items: before.items, ids: Math.max(this.ids, before.ids) });
            this.rawQueue.list = before.queue;
        };
    }

    // ---- what a test builds and does

    /** Loads the bundled panel, docked or as a palette; returns its container. */
    load(bundle, { docked = true } = {}) {
        const container = docked ? new this.Panel() : null;
        this.context.__panel = container ? this.border.out(container) : undefined;
        const code = fs.readFileSync(bundle, "utf8");
        runIn(this.context, `(function () { ${code}\n}).call(__panel === undefined ? this : __panel);`, bundle);
        delete this.context.__panel;
        return container ?? this.windows.at(-1);
    }

    addComp(name, { width = 64, height = 36, duration = 10, fps = 25 } = {}) {
        const comp = this.keep(new this.classes.CompItem(name, width, height, 1, duration, fps));
        this.project.activeItem ??= comp;
        return comp;
    }

    /** Imports as an artist would: sequence by its first file, at the rate that its interpretation says. */
    addFootage(native, { sequence = true, fps = 25 } = {}) {
        const item = new this.classes.FootageItem();
        item.read(new this.disk.File(native.split("%").join("%25")), sequence);
        if (!item.mainSource.isStill && !this.movies.has(native)) item.mainSource.rate = fps;
        return this.keep(item);
    }

    addLayer(comp, item, { select = true } = {}) {
        const layer = comp.layers.add(item);
        const fresh = item.mainSource instanceof SolidSource ? comp.duration : item.duration;
        layer.trimOut = Math.min(fresh || comp.duration, comp.duration);
        comp.stack.forEach((each) => { each.selected = false; });
        layer.selected = select;
        return layer;
    }

    fire(widget, event) {
        if (typeof widget[event] === "function") widget[event].call(this.border.out(widget));
    }

    /** Presses the button with that label. */
    press(container, text) {
        const button = find(container, (widget) => widget.text === text && ["button", "checkbox"].includes(widget.type));
        if (!button) throw new Error(`There is no button “${text}”.`);
        if (button.type === "checkbox") button.value = !button.value;
        this.fire(button, "onClick");
        return button;
    }

    /** Chooses an entry of the list that holds it. */
    choose(container, text) {
        const list = find(container, (widget) => widget.items.some((item) => item.text === text));
        if (!list) throw new Error(`Nothing offers “${text}”.`);
        list.selection = list.items.findIndex((item) => item.text === text);
        return list;
    }

    /** Makes the panel as large as told, as the artist does by its edge. */
    resize(container, size) {
        container.size = size;
        this.fire(container, "onResizing");
        this.fire(container, "onResize");
    }

    /** What an image control shows of its picture, in pixels from its own corner. */
    drawn(widget) {
        widget.drawn = null;
        if (widget.onDraw) this.fire(widget, "onDraw");
        else widget.graphics.drawImage(widget.image, 0, 0);
        return widget.drawn;
    }

    /** Lets scheduled tasks fire; each runs its text in the global scope. */
    fireTasks() {
        for (const [id, task] of [...this.tasks]) {
            if (!task.repeat) this.tasks.delete(id);
            if (this.modalOpen) {
                this.taskErrors.push("Cannot run a script while a modal dialog is waiting for response.");
                continue;
            }
            this.clock.advance(task.delay);
            this.inTask = true;
            try {
                runIn(this.context, task.code, "task");
            } catch (error) {
                this.taskErrors.push(error.message);
            } finally {
                this.inTask = false;
            }
        }
    }

    /** Clicks into a control, `x` and `y` from its own corner. */
    click(widget, x, y) {
        widget.onmousedown?.({ clientX: x, clientY: y });
        return widget;
    }

    message(container) {
        return find(container, (widget) => widget.type === "statictext" && widget.properties.multiline).text;
    }

    status(container) {
        return find(container, (widget) => widget.text.startsWith("DropKey \u2013")).text;
    }

    jobs(container) {
        return find(container, (widget) => widget.type === "listbox").items.map((item) => item.text);
    }

    evaluate(code) {
        return runIn(this.context, code, "test");
    }

    dispose() {
        fs.rmSync(this.root, { recursive: true, force: true });
    }
}
