internal import Operations

extension StateFolder.Owner {
    static let reflector = StateFolder.Owner(
        program: "reflector",
        advice:
            "give a folder of your own with --state (or set REFLECTOR_IDENTITY_PRIVATE_KEY_PATH to a file in it)"
    )
}
