/// A path in two parts: a transfer of a hundred thousand files is reported on without as many new strings.
struct FilePlace: Sendable {
    /// Without the slash behind it; empty if `name` is the whole path.
    let folder: String
    /// Relative to the folder; empty for the folder itself.
    let name: [UInt8]

    var path: String {
        if name.isEmpty { return folder }
        let name = String(decoding: name, as: UTF8.self)
        return folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// Whether it is below that one, by its path.
    func isIn(_ other: FilePlace) -> Bool {
        guard folder == other.folder else { return false }
        if other.name.isEmpty { return !name.isEmpty }
        let count = other.name.count
        return name.count > count && name[count] == UInt8(ascii: "/") && name.starts(with: other.name)
    }
}
