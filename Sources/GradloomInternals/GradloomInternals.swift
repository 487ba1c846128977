/// All that the commands are built from. No version promises that it stays: `Gradloom` has what programs are meant to use.
@_exported import Gradloom
@_exported import LoomConfiguration
@_exported import LoomData
@_exported import LoomHardware
@_exported import LoomInterchange
@_exported import LoomKernels
@_exported import LoomMeasurement
@_exported import LoomModel
@_exported import LoomPlan
@_exported import LoomReference
@_exported import LoomReporting
@_exported import LoomRuns
@_exported import LoomTraining
