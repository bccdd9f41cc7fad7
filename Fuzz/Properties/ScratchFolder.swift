internal import Files
internal import FoundationEssentials
internal import Glibc
internal import Operations
internal import Synchronization

/// A folder for what is read by path, removed when it is let go of.
struct ScratchFolder: ~Copyable {
    let path: String

    private static let made = Atomic<Int>(0)

    init() throws(PropertyBroken) {
        // In memory where the system has that: fuzzing makes some thousand a second. `scripts/fuzz` names its own
        // folder, so that nothing is left behind by an input that traps.
        let named = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) }
        let base = named ?? (FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : "/tmp")
        let number = Self.made.wrappingAdd(1, ordering: .relaxed).newValue
        path = "\(base)/outpost-fuzz-\(getpid())-\(number)"
        do throws(FileError) { try StateFiles.createFolder(path) } catch { throw PropertyBroken("\(error)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file, and makes the folders it lies in.
    func write(_ name: String, _ content: some Sequence<UInt8>) throws(PropertyBroken) {
        let file = "\(path)/\(name)"
        do {
            if let folder = StateFiles.folder(of: file), folder != path {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
            try Descriptor.open(file, flags: O_WRONLY | O_CREAT | O_TRUNC).write(Array(content))
        } catch { throw PropertyBroken("\(error)") }
    }
}
