/// Gradloom, the whole library: everything a program needs to describe, train and evaluate networks.
@_exported import LoomData
@_exported import LoomExperiments
@_exported import LoomHardware
@_exported import LoomKernels
@_exported import LoomModel
@_exported import LoomPlan
@_exported import LoomReporting
@_exported import LoomTraining
