/// What is wrong with a key file, and how to mend it.
public enum KeyFileError: Error, Equatable, CustomStringConvertible {
    /// The system refused to open or read it.
    case cannotOpen(path: String, reason: String)
    /// The system refused to make it.
    case cannotCreate(path: String, reason: String)
    /// A link is not followed: who could change it could change the key.
    case isSymbolicLink(path: String)
    /// It is a folder, a socket or a device.
    case notARegularFile(path: String)
    /// Its mode lets group or others at it.
    case readableByOthers(path: String, mode: UInt32)
    /// It belongs to another user.
    case foreignOwner(path: String, owner: UInt32)
    /// It has so many bytes, and a key has 32.
    case wrongLength(path: String, found: Int)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "cannot read the identity key \(path): \(reason); the user who runs this must be able to read it"
        case .cannotCreate(let path, let reason):
            "cannot create the identity key \(path): \(reason); the folder must exist and be writable"
        case .isSymbolicLink(let path):
            "the identity key \(path) is a symbolic link; put the key itself there"
        case .notARegularFile(let path):
            "the identity key \(path) is not a regular file"
        case .readableByOthers(let path, let mode):
            "the identity key \(path) has mode 0\(String(mode, radix: 8)), group or others can use it; "
                + "run: chmod 600 \(path)"
        case .foreignOwner(let path, let owner):
            "the identity key \(path) belongs to user id \(owner); it must belong to the user who runs this or to root"
        case .wrongLength(let path, let found):
            "the identity key \(path) has \(found) bytes, a raw Ed25519 key has \(KeyFile.length); "
                + "restore it from a backup, or remove it to start as a new endpoint"
        }
    }
}
