/// What is wrong with a key file, and the remedy.
public enum KeyFileError: Error, Equatable, CustomStringConvertible {
    /// The system refused to open or read it.
    case cannotOpen(path: String, reason: String)
    /// The system refused to create it.
    case cannotCreate(path: String, reason: String)
    /// A link is not followed: a user who can change the link could change the key.
    case isSymbolicLink(path: String)
    /// It is a folder, a socket or a device.
    case notARegularFile(path: String)
    /// Its mode gives group or others access.
    case readableByOthers(path: String, mode: UInt32)
    /// It belongs to another user.
    case foreignOwner(path: String, owner: UInt32)
    /// Its number of bytes is not 32.
    case wrongLength(path: String, found: Int)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "cannot read the identity key \(path): \(reason); make it readable for the user who runs this"
        case .cannotCreate(let path, let reason):
            "cannot create the identity key \(path): \(reason); create its folder and make it writable"
        case .isSymbolicLink(let path):
            "the identity key \(path) is a symbolic link; replace it by the key file itself"
        case .notARegularFile(let path):
            "the identity key \(path) is not a regular file; correct the path"
        case .readableByOthers(let path, let mode):
            "the identity key \(path) has mode 0\(String(mode, radix: 8)), which gives group or others access; "
                + "run: chmod 600 \(path)"
        case .foreignOwner(let path, let owner):
            "the identity key \(path) belongs to user ID \(owner); it must belong to the user who runs this or to root"
        case .wrongLength(let path, let found):
            "the identity key \(path) has \(found) bytes: must be \(KeyFile.length); "
                + "restore it from a backup, or remove it to start as a new endpoint"
        }
    }
}
