package import Identity

package enum AddressBookError: Error, Equatable, CustomStringConvertible {
    /// The name belongs to another key.
    case nameTaken(String, known: EndpointID, new: EndpointID)
    /// Another entry has this name.
    case nameInUse(String)
    case unknownName(String)

    case invalidName

    package var description: String {
        switch self {
        case .nameTaken(let name, let known, let new):
            "\"\(name)\" is the name of \(known), not of \(new); choose another name"
        case .nameInUse(let name): "another peer is called \"\(name)\"; choose another name"
        case .unknownName: "no peer has this name"
        case .invalidName: "invalid name: must be 1–\(AddressBook.longestName) printable characters"
        }
    }
}
