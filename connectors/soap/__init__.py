"""Any SOAP partner by configuration: its WSDL, which message becomes which operation, and what each answer means."""
