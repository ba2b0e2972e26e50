# Blanks and tabs behind the backslash, which some editors leave
FROM alpine:3.6
RUN apk add --no-cache --virtual .build-deps \ 
	gcc \	
	musl-dev  \  	 
	'su-exec>=0.2' && \ 
    true
CMD ["su-exec"]   
