package main

func Example() {
	main()
	// Output: visits: 1
}
