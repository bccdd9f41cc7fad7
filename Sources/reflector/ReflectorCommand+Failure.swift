internal import CommandLineTool
internal import Reflector
internal import Storage
internal import TOMLConfiguration

extension ReflectorCommand {
    private static let notRunning: Int32 = 3

    static func failure(for error: any Error) -> ToolFailure {
        switch error {
        case is ConfigurationError: ToolFailure("\(error)", exitCode: ToolFailure.configuration)
        case ControlSocketError.notRunning: ToolFailure("\(error)", exitCode: notRunning)
        default: ToolFailure(DatabaseFailure.describe(error) ?? "\(error)", exitCode: 1)
        }
    }
}
