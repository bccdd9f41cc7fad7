internal import FileTransferNode
internal import Files
internal import FoundationEssentials
internal import SystemErrors

/// A folder of mode 0700 below `TMPDIR` that is removed with all that is in it.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        let place = FileManager.default.temporaryDirectory.path
        let name = "courier-\(UInt64.random(in: 0 ... .max))"
        path = (place == "/" ? "" : place) + "/" + name
        do throws(SystemError) { try OpenFolder.open(place).makeFolder(Array(name.utf8)) } catch {
            throw TransferError(.local, "cannot make a temporary folder in \(place): \(error.reason)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
