print("gradloom")
